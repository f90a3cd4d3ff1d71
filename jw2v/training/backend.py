"""The devices a run is on."""

from typing import Literal

import jax

from jw2v.errors import DataError

Platform = Literal["cpu", "gpu", "tpu"]


def describe() -> str:
    """Backend and devices in words.

    >>> describe().split(":")[0]
    'cpu'
    """
    devices = jax.devices()
    kinds = sorted({device.device_kind for device in devices})
    count = f"{len(devices)} device{'s' if len(devices) > 1 else ''}"
    return f"{jax.default_backend()}: {count} ({', '.join(kinds)}), jax {jax.__version__}"


def require(platform: Platform | None) -> None:
    """Refuse to run on another platform than the one asked for.

    Raises:
      DataError: JAX's default backend is another; the message says what was found.

    >>> require("tpu")
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: a tpu was required and JAX found cpu: ...; pip install "jw2v[tpu]" ...
    """
    if platform is not None and jax.default_backend() != platform:
        extra = {"gpu": "cuda", "tpu": "tpu"}.get(platform)
        install = f'pip install "jw2v[{extra}]" and look at its driver'
        remedy = install if extra else "set JAX_PLATFORMS=cpu"
        raise DataError(
            f"a {platform} was required and JAX found {describe()}; {remedy} (--require)"
        )

"""Updates of tables: any optax transformation, damping, optimizers by name."""

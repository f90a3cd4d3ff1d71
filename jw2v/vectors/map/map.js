"use strict";
const COLOURS = [
  "#e0662b", "#3f7fd0", "#2f9e5b", "#c8439b", "#8a63d2", "#b58a0c",
  "#17a0ae", "#d64550", "#7c9a1c", "#e88fa8", "#a9683c", "#7d8894",
];
const RESULTS = 12; // of a search
const LABELS = 160; // at once; more are not read
const CELL = 8; // pixels; a label takes three rows of cells, and finds them free
const CLOSE = 0.06; // how far the camera is from a word that was looked for

const part = id => document.getElementById(id);
const data = JSON.parse(part("data").textContent);

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function read() {
  const json = async text => JSON.parse(new TextDecoder().decode(await unpacked(text)));
  const places = new Uint16Array(await unpacked(data.places));
  return {
    words: await json(data.words),
    counts: await json(data.counts),
    x: Float32Array.from({ length: places.length / 2 }, (_, i) => places[2 * i] / 32767.5 - 1),
    y: Float32Array.from({ length: places.length / 2 }, (_, i) => places[2 * i + 1] / 32767.5 - 1),
    near: new Uint32Array(await unpacked(data.near)),
    cosines: new Int8Array(await unpacked(data.cosines)),
    clusters: new Uint8Array(await unpacked(data.clusters)),
  };
}

/** Words that are the query, that begin with it, that hold it; of each the most frequent first. */
function search(lower, query) {
  const wanted = query.toLowerCase();
  const found = [[], [], []];
  if (wanted) {
    lower.forEach((word, i) => {
      const at = word.indexOf(wanted);
      if (at >= 0) found[at > 0 ? 2 : Number(word.length > wanted.length)].push(i);
    });
  }
  return found.flat().slice(0, RESULTS);
}

/** Where the camera looks at first: all words but the outermost few in a thousand. */
function bulk(x, y, aspect) {
  const ends = values => {
    const sorted = values.slice().sort();
    const skip = Math.floor(sorted.length / 500);
    return [sorted[skip], sorted[sorted.length - 1 - skip]];
  };
  const [[left, right], [low, high]] = [ends(x), ends(y)];
  const half = Math.max((right - left) / aspect, high - low) / 2;
  return { cameraTarget: [(left + right) / 2, (low + high) / 2], cameraDistance: 1.08 * half || 1 };
}

function button(word, aside, onclick) {
  const item = document.createElement("li");
  const inner = document.createElement("button");
  inner.type = "button";
  inner.append(word);
  if (aside) inner.appendChild(document.createElement("span")).append(aside);
  inner.onclick = onclick;
  item.append(inner);
  return item;
}

/** A pen on the empty canvas that draws in the page's colours. */
function surface(canvas) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const { color, backgroundColor, fontFamily } = getComputedStyle(document.body);
  Object.assign(canvas, { width: width * devicePixelRatio, height: height * devicePixelRatio });
  const pen = canvas.getContext("2d");
  pen.scale(devicePixelRatio, devicePixelRatio);
  Object.assign(pen, { fillStyle: color, strokeStyle: backgroundColor, lineWidth: 3.5 });
  Object.assign(pen, { textBaseline: "middle", lineJoin: "round" });
  return { pen, width, height, bold: `600 14px ${fontFamily}`, plain: `12px ${fontFamily}` };
}

/** Writes a word beside its point where there is room, or always, and says whether it did. */
function writer(pen, width, height) {
  const columns = Math.ceil(width / CELL);
  const taken = new Uint8Array(columns * Math.ceil(height / CELL + 2));
  return (word, left, middle, always) => {
    if (!(left >= 0 && left < width && middle >= 0 && middle < height)) return false;
    const corner = Math.floor(middle / CELL) * columns + Math.floor(left / CELL);
    if (taken[corner] && !always) return false;
    const cells = Math.ceil((pen.measureText(word).width + 14) / CELL);
    const rows = [0, 1, 2].map(row => corner + row * columns).map(
      first => taken.subarray(first, first + cells));
    if (rows.some(row => row.includes(1)) && !always) return false;
    rows.forEach(row => row.fill(1));
    pen.strokeText(word, left + 6, middle);
    pen.fillText(word, left + 6, middle);
    return true;
  };
}

function join(pen, from, to) {
  pen.save();
  Object.assign(pen, { strokeStyle: pen.fillStyle, globalAlpha: 0.6, lineWidth: 1.2 });
  pen.beginPath();
  pen.moveTo(...from);
  pen.lineTo(...to);
  pen.stroke();
  pen.restore();
}

async function main() {
  const { words, counts, x, y, near, cosines, clusters } = await read();
  const lower = words.map(word => word.toLowerCase());
  const most = near.length / words.length;
  let plot = null, pinned = null, pointed = null;

  const neighbours = i => Array.from(near.subarray(i * most, (i + 1) * most));

  function show() {
    const i = pointed ?? pinned;
    part("card").hidden = i === null;
    if (i === null) return;
    const [rank, all] = [i + 1, words.length].map(number => number.toLocaleString("en"));
    const seen = counts ? `, seen ${counts[i].toLocaleString("en")} times` : "";
    part("word").textContent = words[i];
    part("rank").textContent = `word ${rank} of ${all}${seen}; nearest by cosine:`;
    part("near").replaceChildren(...neighbours(i).map((j, rank) =>
      button(words[j], (cosines[i * most + rank] / 100).toFixed(2), () => go(j))));
  }

  function pin(i) {
    pinned = i;
    show();
  }

  function go(i) {
    part("found").replaceChildren();
    pointed = null;
    pin(i);
    plot?.select([i], { preventEvent: true });
    const distance = Math.min(CLOSE, plot?.get("cameraDistance"));
    plot?.zoomToLocation([x[i], y[i]], distance, { transition: true });
  }

  /** The word that is shown and its neighbours, then all that have room, most frequent first. */
  function label(view) {
    const shown = pointed ?? pinned;
    const special = shown === null ? [] : [shown, ...neighbours(shown)];
    const { pen, width, height, bold, plain } = surface(part("labels"));
    const write = writer(pen, width, height);
    const at = i => [
      width / 2 + (view[0] * x[i] + view[12]) * height / 2,
      height / 2 - (view[5] * y[i] + view[13]) * height / 2,
    ];
    pen.font = bold;
    for (const i of special) join(pen, at(shown), at(i));
    for (const i of special) write(words[i], ...at(i), true);
    pen.font = plain;
    for (let i = 0, free = LABELS; i < words.length && free > 0; i++) {
      free -= write(words[i], ...at(i), false);
    }
  }

  function ground() {
    const paper = getComputedStyle(document.body).backgroundColor;
    plot.set({ backgroundColor: paper.match(/\d+/g).map(Number) });
  }

  async function draw() {
    const box = part("map").getBoundingClientRect();
    plot = createScatterplot({
      canvas: part("points"),
      syncEvents: true,
      spatialIndexUseWorker: false,
      actionKeyMap: {},
      pointSize: 3,
      pointSizeSelected: 4,
      opacity: 0.55,
      colorBy: "valueA",
      pointColor: COLOURS,
      pointColorActive: COLOURS,
      pointColorHover: COLOURS,
      ...bulk(x, y, box.width / box.height),
    });
    plot.subscribe("drawing", ({ view }) => label(view));
    plot.subscribe("pointOver", i => {
      pointed = i;
      show();
    });
    plot.subscribe("pointOut", () => {
      pointed = null;
      show();
    });
    plot.subscribe("select", ({ points }) => pin(points[0]));
    plot.subscribe("deselect", () => pin(null));
    await plot.draw({ x, y, valueA: clusters }, { zDataType: "categorical" });
  }

  part("search").oninput = () => {
    const query = part("search").value;
    const found = search(lower, query).map(i => button(words[i], "", () => go(i)));
    part("found").replaceChildren(...found);
    if (query && !found.length) part("found").append("no such word here");
  };
  document.forms[0].onsubmit = event => {
    event.preventDefault();
    const [first] = search(lower, part("search").value);
    if (first !== undefined) go(first);
  };
  part("legend").replaceChildren(...data.names.flatMap((members, cluster) => {
    if (!members.length) return [];
    const item = document.createElement("li");
    item.appendChild(document.createElement("i")).style.background = COLOURS[cluster];
    item.append(members.map(i => words[i]).join(", "));
    return [item];
  }));
  try {
    await draw();
    ground();
    matchMedia("(prefers-color-scheme: dark)").onchange = ground;
  } catch (error) {
    const why = `There is no map without WebGL (${error.message}); search and neighbours work.`;
    part("note").textContent = why;
  }
  document.body.dataset.ready = "true";
}

main().catch(error => {
  part("note").textContent = `This browser cannot show the page: ${error.message}`;
});

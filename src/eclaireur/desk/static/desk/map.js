// The map on demand. The list says the same in words; nothing here comes from outside this server.
//   draw(pane)  pane.dataset.source      GeoJSON of points, or an inline <script type="application/json">
//               pane.dataset.background  GeoJSON of outlines and names, optional
// Letters are drawn by the browser: a style without `glyphs` asks for no font file.
const VENDOR = new URL("../vendor/maplibre-gl-5.24.1/", import.meta.url);
const WORDS = {
  "Map.Title": "Carte", "NavigationControl.ZoomIn": "Agrandir", "NavigationControl.ZoomOut": "Réduire",
  "NavigationControl.ResetBearing": "Remettre le nord en haut", "CooperativeGesturesHandler.WindowsHelpText": "Ctrl + molette pour agrandir",
};
const STATES = { waiting: "à examiner", judged: "avis donné ou suite en cours", aside: "écarté" };
const FONT = ["system-ui", "Liberation Sans", "Noto Sans"];
const number = new Intl.NumberFormat("fr-FR");
const maps = new WeakMap();
let library;

const make = (tag, text = "", name = "") => Object.assign(document.createElement(tag), { textContent: text, className: name });

function load() {
  library ??= new Promise((done, failed) => {
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("maplibre-gl.css", VENDOR).href });
    const script = Object.assign(document.createElement("script"), { src: new URL("maplibre-gl-csp.js", VENDOR).href });
    script.onload = () => {
      globalThis.maplibregl.setWorkerUrl(new URL("maplibre-gl-csp-worker.js", VENDOR).href);
      done(globalThis.maplibregl);
    };
    script.onerror = () => { library = undefined; failed(new Error("script")); };
    document.head.append(style, script);
  });
  return library;
}

function canDraw() {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
}

async function read(address) {
  const answer = await fetch(address, { headers: { Accept: "application/geo+json" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  return answer.json();
}

// Colours come from the theme, marks differ by shape too: a print or a colour-blind eye loses nothing.
const tint = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function mark(state) {
  const size = 44;
  const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const pen = canvas.getContext("2d");
  pen.lineWidth = 5;
  pen.strokeStyle = tint("--g0");
  pen.fillStyle = tint({ waiting: "--accent", judged: "--good", aside: "--g5" }[state]);
  pen.beginPath();
  if (state === "waiting") pen.arc(22, 22, 14, 0, 7);
  else if (state === "judged") pen.rect(9, 9, 26, 26);
  else { pen.moveTo(22, 6); pen.lineTo(38, 36); pen.lineTo(6, 36); pen.closePath(); }
  pen.stroke();
  pen.fill();
  return canvas;
}

function image(canvas) {
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
}

const EMPTY = { type: "FeatureCollection", features: [] };
const plain = ["!", ["has", "point_count"]];

function style(points, behind) {
  const text = { "text-color": tint("--g9"), "text-halo-color": tint("--g0"), "text-halo-width": 1.5 };
  return {
    version: 8,
    sources: {
      behind: { type: "geojson", data: behind },
      shapes: { type: "geojson", data: { ...EMPTY, features: points.features.filter((one) => one.geometry.type !== "Point") } },
      points: {
        type: "geojson", cluster: true, clusterRadius: 44, clusterMaxZoom: 15,
        data: { ...EMPTY, features: points.features.filter((one) => one.geometry.type === "Point") },
      },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": tint("--g1") } },
      { id: "area", type: "fill", source: "behind", filter: ["==", ["get", "kind"], "area"], paint: { "fill-color": tint("--g0"), "fill-opacity": 0.7 } },
      { id: "border", type: "line", source: "behind", filter: ["==", ["get", "kind"], "area"], paint: { "line-color": tint("--g5"), "line-width": 1, "line-dasharray": [3, 2] } },
      { id: "shape", type: "fill", source: "shapes", paint: { "fill-color": tint("--accent"), "fill-opacity": 0.25 } },
      { id: "shape-border", type: "line", source: "shapes", paint: { "line-color": tint("--accent"), "line-width": 2 } },
      { id: "name", type: "symbol", source: "behind", filter: ["==", ["get", "kind"], "label"], layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": 13, "text-letter-spacing": 0.05, "text-anchor": "bottom", "text-offset": [0, -0.4] }, paint: { ...text, "text-color": tint("--g6") } },
      { id: "group", type: "circle", source: "points", filter: ["has", "point_count"], paint: { "circle-color": tint("--accent-soft"), "circle-stroke-color": tint("--accent"), "circle-stroke-width": 2, "circle-radius": ["step", ["get", "point_count"], 14, 10, 18, 100, 22, 1000, 28] } },
      { id: "count", type: "symbol", source: "points", filter: ["has", "point_count"], layout: { "text-field": ["get", "point_count"], "text-font": FONT, "text-size": 13, "text-allow-overlap": true }, paint: { "text-color": tint("--g9") } },
      { id: "ring", type: "circle", source: "points", filter: ["==", ["get", "dossier"], -1], paint: { "circle-color": "rgba(0,0,0,0)", "circle-radius": 14, "circle-stroke-color": tint("--g9"), "circle-stroke-width": 3 } },
      { id: "point", type: "symbol", source: "points", filter: plain, layout: { "icon-image": ["concat", "mark-", ["get", "state"]], "icon-allow-overlap": true, "icon-size": 0.5, "text-field": ["step", ["zoom"], "", 14, ["get", "name"]], "text-font": FONT, "text-size": 12, "text-anchor": "left", "text-offset": [1, 0], "text-optional": true }, paint: text },
    ],
  };
}

function bounds(library_, collections) {
  const box = new library_.LngLatBounds();
  const add = (place) => (typeof place[0] === "number" ? box.extend(place) : place.forEach(add));
  for (const one of collections) if (one.features.length) { one.features.forEach((feature) => add(feature.geometry.coordinates)); break; }
  return box.isEmpty() ? null : box;
}

function legend(points) {
  const box = make("div", "", "map-legend");
  const list = make("ul");
  const seen = new Set(points.features.map((one) => one.properties.state));
  const words = points.features.some((one) => one.properties.address) ? STATES : { waiting: "lieu" };
  for (const [state, word] of Object.entries(words)) {
    if (!seen.has(state)) continue;
    const item = make("li");
    const shape = mark(state);
    shape.className = "map-mark";
    shape.setAttribute("aria-hidden", "true");
    item.append(shape, make("span", word));
    list.append(item);
  }
  const group = make("li");
  group.append(make("span", "12", "map-group"), make("span", "plusieurs au même endroit : choisir pour agrandir"));
  if (points.features.length > 1) list.append(group);
  const shown = points.features.filter((one) => one.geometry.type === "Point").length;
  const said = [`${number.format(shown)} ${shown > 1 ? "points" : "point"}.`];
  if (points.total > shown) said.push(`Les ${number.format(shown)} premiers sur ${number.format(points.total)} : filtrez la liste pour voir les autres.`);
  if (points.unplaced) said.push(`${number.format(points.unplaced)} sans coordonnées, dans la liste seulement.`);
  said.push("La liste dit la même chose en mots.");
  box.append(list, make("p", said.join(" ")));
  return box;
}

function say(pane, message) {
  pane.replaceChildren(make("p", message, "empty"));
}

function open(address, dossier, pane) {
  const link = document.querySelector(`.line[data-dossier="${dossier}"] .open`);
  if (link) { link.click(); return; }
  const sheet = document.getElementById("fiche");
  if (sheet && globalThis.htmx && !pane.closest("#fiche") && matchMedia("(min-width: 901px)").matches) {
    document.dispatchEvent(new CustomEvent("ouvrir", { detail: address }));
  } else location.assign(address);
}

function address(pane) {
  const asked = new URL(pane.dataset.source, location.href);
  // The list's filters may have changed since the page came: the address bar knows the newest ones.
  if (pane.id === "carte") asked.search = location.search;
  return asked.href;
}

async function contents(pane) {
  const inline = pane.querySelector('script[type="application/json"]');
  const points = inline ? JSON.parse(inline.textContent) : read(address(pane));
  const behind = pane.dataset.background ? read(pane.dataset.background).catch(() => EMPTY) : EMPTY;
  return Promise.all([points, behind]);
}

function dress(map) {
  map.on("styleimagemissing", ({ id }) => {
    const state = id.replace("mark-", "");
    if (STATES[state] && !map.hasImage(id)) map.addImage(id, image(mark(state)));
  });
}

function ring(map) {
  const dossier = Number(document.querySelector("#fiche [data-dossier]")?.dataset.dossier ?? -1);
  if (map.getLayer("ring")) map.setFilter("ring", ["all", plain, ["==", ["get", "dossier"], dossier]]);
}

function listen(map, pane, library_) {
  const bubble = new library_.Popup({ closeButton: false, closeOnClick: false, offset: 12, maxWidth: "200px" });
  map.on("click", "point", (event) => {
    const { address: to, dossier } = event.features[0].properties;
    if (to) open(to, dossier, pane);
  });
  map.on("click", "group", async (event) => {
    const [group] = event.features;
    const zoom = await map.getSource("points").getClusterExpansionZoom(group.properties.cluster_id);
    map.easeTo({ center: group.geometry.coordinates, zoom: zoom + 0.2, animate: !matchMedia("(prefers-reduced-motion: reduce)").matches });
  });
  for (const layer of ["point", "group"]) {
    map.on("mouseenter", layer, (event) => {
      map.getCanvas().style.cursor = "pointer";
      const { geometry, properties } = event.features[0];
      if (layer === "group") return;
      const text = [properties.name, properties.area, properties.rank ? `rang ${number.format(properties.rank)}` : "", properties.verdict_title ? `avis : ${properties.verdict_title}` : properties.status];
      bubble.setLngLat(geometry.coordinates).setText(text.filter(Boolean).join(" · ")).addTo(map);
    });
    map.on("mouseleave", layer, () => { map.getCanvas().style.cursor = ""; bubble.remove(); });
  }
  // Arrows move the map here; elsewhere on the page they move in the list.
  pane.addEventListener("keydown", (event) => {
    if (event.key.startsWith("Arrow") && event.target === map.getCanvas()) event.stopPropagation();
  });
}

function follow(map, pane) {
  const fresh = async () => {
    if (!pane.isConnected) { map.remove(); maps.delete(pane); return; }
    const [points, behind] = await contents(pane);
    map.setStyle(style(points, behind), { diff: false });
    map.once("styledata", () => ring(map));
    pane.querySelector(".map-legend")?.replaceWith(legend(points));
  };
  // A lost session or network leaves the map as it was: the list beside says what happened.
  const redraw = () => fresh().catch(() => {});
  // In automatic mode the theme follows the machine; otherwise the button that sets data-theme.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "liste") redraw();
    else if (event.target.id === "fiche" && maps.has(pane)) ring(map);
  });
}

// The map of a pane once it is drawn, for what draws on it.
export const mapOf = (pane) => maps.get(pane) ?? null;

export async function draw(pane) {
  if (maps.has(pane)) { maps.get(pane)?.resize(); return; }
  if (!canDraw()) {
    say(pane, "Ce navigateur n’affiche pas de carte (WebGL absent). La liste dit la même chose.");
    return;
  }
  maps.set(pane, null);
  const inline = pane.querySelector('script[type="application/json"]');
  try {
    const [library_, [points, behind]] = await Promise.all([load(), contents(pane)]);
    const frame = make("div", "", "map-frame");
    pane.replaceChildren(frame, legend(points));
    if (inline) pane.append(inline);
    const box = bounds(library_, [points, behind]);
    const map = new library_.Map({
      container: frame, style: style(points, behind), locale: WORDS, attributionControl: false,
      dragRotate: false, pitchWithRotate: false, touchPitch: false, maxZoom: 18,
      canvasContextAttributes: { preserveDrawingBuffer: true }, // so that the map prints
      ...(box ? { bounds: box, fitBoundsOptions: { padding: 32, maxZoom: 14 } } : { center: [2.4, 46.6], zoom: 4 }),
    });
    maps.set(pane, map);
    map.touchZoomRotate.disableRotation();
    map.addControl(new library_.NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new library_.ScaleControl({ unit: "metric" }), "bottom-left");
    map.getCanvas().setAttribute("aria-label", "Carte : flèches pour déplacer, + et - pour agrandir ou réduire. La liste dit la même chose.");
    dress(map);
    map.once("styledata", () => ring(map));
    map.once("idle", () => { pane.dataset.drawn = String(points.features.length); });
    listen(map, pane, library_);
    follow(map, pane);
  } catch {
    maps.delete(pane);
    say(pane, "La carte n’a pas pu être chargée. La liste reste à jour ; rouvrez la carte pour réessayer.");
    if (inline) pane.append(inline);
  }
}

// A map in a sheet: the block's own button asks for it. As an ES module, this runs once a page.
document.addEventListener("click", (event) => {
  const pane = event.target.closest("[data-map-show]")?.closest("[data-map]");
  if (pane) draw(pane);
});

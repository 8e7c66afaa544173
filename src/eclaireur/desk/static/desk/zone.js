// A zone drawn on the map: each click, or Enter at the cross in the middle, is a corner. What is drawn is written
// as GeoJSON in the text field beside, the one that the server reads: without a map, the corners are typed there.
import { draw, mapOf } from "./map.js";

const make = (tag, text = "", name = "") => Object.assign(document.createElement(tag), { textContent: text, className: name });
const polygon = (corners) => ({ type: "Polygon", coordinates: [[...corners, corners[0]]] });
const rounded = (value) => Math.round(value * 1e5) / 1e5;

function shapes(corners) {
  const point = (at) => ({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: corners[at] } });
  const features = corners.map((_, at) => point(at));
  if (corners.length === 2) features.push({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: corners } });
  if (corners.length > 2) features.push({ type: "Feature", properties: {}, geometry: polygon(corners) });
  return { type: "FeatureCollection", features };
}

function written(text) {
  try {
    const { type, coordinates } = JSON.parse(text);
    return type === "Polygon" && coordinates.length === 1 ? coordinates[0].slice(0, -1) : [];
  } catch { return []; }
}

function show(map, corners) {
  const data = shapes(corners);
  const source = map.getSource("zone");
  if (source) { source.setData(data); return; }
  const accent = getComputedStyle(document.documentElement).getPropertyValue("--accent").trim();
  if (map.getSource("behind")) map.addLayer({ id: "zone-places", type: "circle", source: "behind", filter: ["==", ["get", "kind"], "label"], paint: { "circle-color": getComputedStyle(document.documentElement).getPropertyValue("--g6").trim(), "circle-radius": 2.5 } });
  map.addSource("zone", { type: "geojson", data });
  map.addLayer({ id: "zone-fill", type: "fill", source: "zone", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": accent, "fill-opacity": 0.25 } });
  map.addLayer({ id: "zone-line", type: "line", source: "zone", filter: ["!=", ["geometry-type"], "Point"], paint: { "line-color": accent, "line-width": 2 } });
  map.addLayer({ id: "zone-corner", type: "circle", source: "zone", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-color": accent, "circle-radius": 5 } });
}

async function begin(zone) {
  const pane = zone.querySelector("[data-zone-map]");
  const field = zone.querySelector("textarea");
  const acts = zone.querySelector(".zone-acts");
  const opener = zone.querySelector("[data-zone-draw]");
  pane.hidden = false;
  opener.remove();
  const inline = Object.assign(document.createElement("script"), { type: "application/json" });
  inline.textContent = '{"type":"FeatureCollection","features":[]}';
  pane.append(inline);
  await draw(pane);
  const map = mapOf(pane);
  if (!map) return; // the pane says why: the corners can still be typed
  pane.querySelector(".map-legend")?.replaceChildren(make("p", "Cliquez chaque sommet. Au clavier : les flèches déplacent la carte, Entrée pose un sommet à la croix du milieu."));
  pane.querySelector(".map-frame").append(make("span", "", "zone-cross"));
  map.getCanvas().setAttribute("aria-label", "Carte : flèches pour déplacer, + et - pour agrandir ou réduire, Entrée pour poser un sommet au milieu.");
  map.doubleClickZoom.disable();
  const said = make("span", "", "soft");
  said.setAttribute("role", "status");
  const undo = Object.assign(make("button", "Ôter le dernier sommet"), { type: "button" });
  const clear = Object.assign(make("button", "Effacer la zone"), { type: "button" });
  acts.append(undo, clear, said);
  let corners = written(field.value);
  const tell = () => {
    said.textContent = corners.length > 2 ? `Zone de ${corners.length} sommets.` : `${corners.length} sommet${corners.length > 1 ? "s" : ""} : il en faut trois au moins.`;
    field.value = corners.length > 2 ? JSON.stringify(polygon(corners)) : "";
    show(map, corners);
  };
  const add = ({ lng, lat }) => {
    const corner = [rounded(lng), rounded(lat)];
    const last = corners.at(-1);
    if (!last || last[0] !== corner[0] || last[1] !== corner[1]) corners = [...corners, corner];
    tell();
  };
  map.on("click", (event) => add(event.lngLat));
  map.getCanvas().addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); add(map.getCenter()); }
  });
  undo.addEventListener("click", () => { corners = corners.slice(0, -1); tell(); });
  clear.addEventListener("click", () => { corners = []; tell(); });
  field.addEventListener("change", () => { const typed = written(field.value); if (typed.length) { corners = typed; show(map, corners); } });
  const first = () => { if (corners.length) tell(); else show(map, corners); };
  if (map.isStyleLoaded()) first(); else map.once("idle", first);
  map.on("styledata", () => { if (!map.getSource("zone") && map.isStyleLoaded()) show(map, corners); }); // the theme changed
  map.getCanvas().focus();
}

for (const zone of document.querySelectorAll("[data-zone]")) {
  const opener = zone.querySelector("[data-zone-draw]");
  opener.hidden = false;
  opener.addEventListener("click", () => begin(zone));
}

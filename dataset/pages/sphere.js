// Directions and pictures: a pinhole camera pitched up by pitch_deg and rolled by roll_deg (right side up),
// azimuths to the left, as the data set defines them.
"use strict";

const RAD = Math.PI / 180;
const STRIP_PX = 1200;
const LEAST_SPAN = 220; // degrees on the strip
const SPAN_MARGIN = 8;
const EDGE_POINTS = 24;
const wrap = (degrees) => 180 - ((((180 - degrees) % 360) + 360) % 360);

// A direction relative to the head -> pixel of a w x h picture; null behind the camera.
function pixelOf(azimuth, elevation, camera, w, h) {
  const focal = w / 2 / Math.tan((camera.hfov_deg * RAD) / 2);
  const [a, e, p, r] = [azimuth * RAD, elevation * RAD, camera.pitch_deg * RAD, camera.roll_deg * RAD];
  const ahead = Math.cos(e) * Math.cos(a);
  const depth = ahead * Math.cos(p) + Math.sin(e) * Math.sin(p);
  if (depth < 1e-6) return null;
  const [left, up] = [Math.cos(e) * Math.sin(a), Math.sin(e) * Math.cos(p) - ahead * Math.sin(p)];
  const [x, y] = [left * Math.cos(r) - up * Math.sin(r), up * Math.cos(r) + left * Math.sin(r)];
  return [w / 2 - (focal * x) / depth, h / 2 - (focal * y) / depth];
}

// Pixel of a w x h picture -> [azimuth, elevation] relative to the head.
function directionOf(x, y, camera, w, h) {
  const focal = w / 2 / Math.tan((camera.hfov_deg * RAD) / 2);
  const [p, r] = [camera.pitch_deg * RAD, camera.roll_deg * RAD];
  const [u, v] = [(w / 2 - x) / focal, (h / 2 - y) / focal];
  const [left, up] = [u * Math.cos(r) + v * Math.sin(r), v * Math.cos(r) - u * Math.sin(r)];
  const ahead = Math.cos(p) - up * Math.sin(p);
  const above = Math.sin(p) + up * Math.cos(p);
  return [Math.atan2(left, ahead) / RAD, Math.atan2(above, Math.hypot(left, ahead)) / RAD];
}

// The part of the circle with all views and sources: its middle, as a heading, and its width.
function span(facts, edges) {
  const sum = (f) => facts.heading.reduce((total, h) => total + f(h * RAD), 0);
  const mean = Math.atan2(sum(Math.sin), sum(Math.cos)) / RAD;
  const ends = facts.heading.flatMap((h, view) => edges[view].map((d) => wrap(h - mean) + d[0]));
  (facts.azimuth || []).forEach((row, view) => row.forEach((a) => a !== null && ends.push(wrap(a + facts.heading[view] - mean))));
  const [low, high] = [Math.min(...ends) - SPAN_MARGIN, Math.max(...ends) + SPAN_MARGIN];
  return high - low >= 360 ? [mean, 360] : [mean + (low + high) / 2, Math.max(high - low, LEAST_SPAN)];
}

// The outline of a view as [azimuth, elevation] relative to the head.
function outline(camera, w, h) {
  const along = Array.from({ length: EDGE_POINTS }, (_, k) => k / EDGE_POINTS);
  return [
    ...along.map((t) => [t * w, 0]), ...along.map((t) => [w, t * h]),
    ...along.map((t) => [w - t * w, h]), ...along.map((t) => [0, h - t * h]),
  ].map(([x, y]) => directionOf(x, y, camera, w, h));
}

// All views on one strip of directions, blended where they overlap, with the sources where they truly are.
function drawPanorama(canvas, facts, bitmaps, view) {
  const edges = facts.cameras.map((camera, k) => outline(camera, bitmaps[k].width, bitmaps[k].height));
  const heights = [...edges.flat().map((d) => d[1]), ...(facts.elevation || []).flat()].filter((e) => e !== null);
  const [top, bottom] = [Math.min(Math.max(...heights) + 7, 90), Math.max(Math.min(...heights) - 3, -90)];
  const [middle, width] = span(facts, edges);
  const scale = STRIP_PX / width;
  const height = Math.round((top - bottom) * scale) + 22;
  const x = (world) => STRIP_PX / 2 - wrap(world - middle) * scale;
  const y = (elevation) => (top - elevation) * scale;
  const pen = sized(canvas, STRIP_PX, height);
  canvas.seen = canvas.seen?.facts === facts ? canvas.seen : { facts, image: blended(facts, bitmaps, middle, top, scale, height - 22) };
  pen.fillStyle = tint("--well");
  pen.fillRect(0, 0, STRIP_PX, height);
  pen.drawImage(canvas.seen.image, 0, 0);
  drawScale(pen, x, y, height);
  const order = facts.heading.map((_, k) => k).filter((k) => k !== view);
  for (const k of [...order, view]) drawOutline(pen, edges[k], facts.heading[k], k, k === view, x, y, scale);
  drawSources(pen, facts, view, x, y);
  canvas.viewX = (k) => x(facts.heading[k]);
  canvas.viewAt = (px) => {
    const world = middle - (px - STRIP_PX / 2) / scale;
    const off = facts.heading.map((h) => Math.abs(wrap(h - world)));
    return off.indexOf(Math.min(...off));
  };
}

function drawScale(pen, x, y, height) {
  pen.font = "14px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.fillStyle = tint("--dim");
  pen.strokeStyle = tint("--line");
  for (let world = 0; world < 360; world += 30) {
    if (x(world) < 20 || x(world) > STRIP_PX - 20) continue;
    pen.fillText(`${world}°`, x(world), height - 4);
    pen.fillRect(x(world) - 0.5, height - 22, 1, 5);
  }
  pen.setLineDash([4, 5]);
  pen.beginPath();
  pen.moveTo(0, y(0));
  pen.lineTo(STRIP_PX, y(0));
  pen.stroke();
  pen.setLineDash([]);
}

function drawOutline(pen, edge, heading, view, chosenOne, x, y, scale) {
  // Around the heading's own place, so that an outline never jumps across the seam.
  for (const shift of [0, -360 * scale, 360 * scale]) {
    pen.beginPath();
    edge.forEach(([azimuth, elevation], k) => pen[k ? "lineTo" : "moveTo"](x(heading) - azimuth * scale + shift, y(elevation)));
    pen.closePath();
    pen.lineWidth = chosenOne ? 3.5 : 1.5;
    pen.strokeStyle = chosenOne ? tint("--accent") : "#ffffffb0";
    pen.stroke();
  }
  const middle = edge.filter((d) => Math.abs(d[0]) < 8);
  const top = Math.max(...(middle.length ? middle : edge).map((d) => d[1]));
  viewNumber(pen, x(heading), Math.max(y(top) - 16, 14), view, chosenOne, 12); // above the picture, where few sources are
}

function viewNumber(pen, x, y, view, chosenOne, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fillStyle = chosenOne ? "#0b4fc4" : "#ffffffe0";
  pen.fill();
  pen.lineWidth = 1;
  pen.strokeStyle = "#0b3f9c";
  pen.stroke();
  pen.fillStyle = chosenOne ? "#ffffff" : "#0b3f9c";
  pen.font = `bold ${radius + 2}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.fillText(String(view + 1), x, y + 0.4 * radius + 0.5);
}

function drawSources(pen, facts, view, x, y) {
  if (!facts.azimuth || !facts.elevation) return;
  // Of a head that only turns, all views give one direction; of one that moves, the chosen view's is drawn.
  facts.azimuth[view].forEach((azimuth, source) => {
    if (azimuth !== null) dot(pen, x(azimuth + facts.heading[view]), y(facts.elevation[view][source]), source, 14);
  });
}

function dot(pen, x, y, source, radius = 10) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fillStyle = colorOf(source);
  pen.fill();
  pen.lineWidth = 2;
  pen.strokeStyle = "#ffffff";
  pen.stroke();
  pen.beginPath();
  pen.arc(x, y, radius + 1.5, 0, 2 * Math.PI);
  pen.lineWidth = 1;
  pen.strokeStyle = "#000000";
  pen.stroke();
  pen.fillStyle = "#111111";
  pen.font = `bold ${radius + 2}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.fillText(String(source + 1), x, y + 0.4 * radius + 0.2);
}

// Sample every view for every direction of the strip; each weighs as much as the pixel is far from its edge.
function blended(facts, bitmaps, middle, top, scale, height) {
  const sums = new Float32Array(4 * STRIP_PX * height);
  bitmaps.forEach((bitmap, view) => addView(sums, pixelsOf(bitmap), facts, view, middle, top, scale, height));
  const image = new ImageData(STRIP_PX, height);
  for (let at = 0; at < sums.length; at += 4) {
    const total = sums[at + 3];
    if (!total) continue;
    for (let k = 0; k < 3; k++) image.data[at + k] = sums[at + k] / total;
    image.data[at + 3] = 255;
  }
  const canvas = new OffscreenCanvas(STRIP_PX, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// Add a view's weighted colours and weights: pixelOf for every direction, without an array for each.
function addView(sums, { data, width, height: h }, facts, view, middle, top, scale, height) {
  const camera = facts.cameras[view];
  const focal = width / 2 / Math.tan((camera.hfov_deg * RAD) / 2);
  const [sinP, cosP] = [Math.sin(camera.pitch_deg * RAD), Math.cos(camera.pitch_deg * RAD)];
  const [sinR, cosR] = [Math.sin(camera.roll_deg * RAD), Math.cos(camera.roll_deg * RAD)];
  const elevations = Array.from({ length: height }, (_, row) => (top - (row + 0.5) / scale) * RAD);
  const [sinE, cosE] = [Float64Array.from(elevations, Math.sin), Float64Array.from(elevations, Math.cos)];
  for (let column = 0; column < STRIP_PX; column++) {
    const azimuth = wrap(middle - (column + 0.5 - STRIP_PX / 2) / scale - facts.heading[view]);
    if (Math.abs(azimuth) > 89) continue;
    const [sinA, cosA] = [Math.sin(azimuth * RAD), Math.cos(azimuth * RAD)];
    for (let row = 0; row < height; row++) {
      const ahead = cosE[row] * cosA;
      const depth = ahead * cosP + sinE[row] * sinP;
      if (depth < 1e-6) continue;
      const left = cosE[row] * sinA;
      const up = sinE[row] * cosP - ahead * sinP;
      const x = width / 2 - (focal * (left * cosR - up * sinR)) / depth;
      const y = h / 2 - (focal * (up * cosR + left * sinR)) / depth;
      const inside = Math.min(x, width - x, y, h - y);
      if (inside <= 0) continue;
      const weight = inside * inside * inside;
      const from = 4 * (Math.floor(y) * width + Math.floor(x));
      const to = 4 * (row * STRIP_PX + column);
      for (let k = 0; k < 3; k++) sums[to + k] += weight * data[from + k];
      sums[to + 3] += weight;
    }
  }
}

function pixelsOf(bitmap) {
  const pen = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  return pen.getImageData(0, 0, bitmap.width, bitmap.height);
}

// A view with its sources: a dot where one is in the picture, an arrow at the edge towards one that is not.
function drawShot(canvas, facts, bitmap, view) {
  const [w, h] = [320, (320 * bitmap.height) / bitmap.width];
  const pen = sized(canvas, w, h);
  pen.drawImage(bitmap, 0, 0, w, h);
  const inside = [];
  (facts.azimuth?.[view] || []).forEach((azimuth, source) => {
    const elevation = facts.elevation?.[view][source];
    if (azimuth === null || elevation === null || elevation === undefined) return;
    const at = pixelOf(azimuth, elevation, facts.cameras[view], w, h);
    if (Math.abs(azimuth) < 90 && at && at[0] >= 0 && at[0] <= w) inside.push([at, source]);
    else drawArrow(pen, azimuth > 0 ? 24 : w - 24, 24 + 28 * source, azimuth > 0 ? -1 : 1, source);
  });
  // Last, so that no arrow hides a true place.
  for (const [[x, y], source] of inside) dot(pen, Math.min(Math.max(x, 12), w - 12), Math.min(Math.max(y, 12), h - 12), source);
}

function drawArrow(pen, x, y, way, source) {
  pen.fillStyle = colorOf(source);
  pen.strokeStyle = "#000000";
  pen.beginPath();
  pen.moveTo(x + 20 * way, y);
  pen.lineTo(x + 6 * way, y - 11);
  pen.lineTo(x + 6 * way, y + 11);
  pen.closePath();
  pen.fill();
  pen.stroke();
  dot(pen, x, y, source);
}

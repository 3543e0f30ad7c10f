// The room from above: what the cameras saw of it, the listener with its views, and the sources. North, -Z, is up.
"use strict";

const PLAN_PX = 560;
const TALLEST = 0.75; // height over width
const FAN_M = 0.9;

function drawPlan(canvas, facts, plan, view) {
  const [left, right, bottom, top] = plan.extent || around(facts);
  const scale = Math.min(PLAN_PX / (right - left), (PLAN_PX * TALLEST) / (bottom - top));
  const height = Math.max((bottom - top) * scale, 200);
  const pen = sized(canvas, PLAN_PX, height);
  const shift = [(PLAN_PX - (right - left) * scale) / 2, (height - (bottom - top) * scale) / 2];
  const x = (p) => shift[0] + (p[0] - left) * scale;
  const y = (p) => shift[1] + (p[2] - top) * scale;
  pen.fillStyle = tint("--well");
  pen.fillRect(0, 0, PLAN_PX, height);
  if (plan.bitmap) pen.drawImage(plan.bitmap, shift[0], shift[1], (right - left) * scale, (bottom - top) * scale);
  const order = facts.heading.map((_, k) => k).filter((k) => k !== view);
  if (isWalk(facts)) drawWays(pen, facts, x, y);
  for (const k of isWalk(facts) ? [view] : [...order, view]) drawFan(pen, facts, k, k === view, x, y, scale);
  for (const [source, place] of sourcesAt(facts, view).entries()) {
    pen.setLineDash([5, 4]);
    pen.lineWidth = 2;
    pen.strokeStyle = colorOf(source);
    pen.beginPath();
    pen.moveTo(x(facts.position[view]), y(facts.position[view]));
    pen.lineTo(x(place), y(place));
    pen.stroke();
    pen.setLineDash([]);
  }
  (isWalk(facts) ? [facts.position[view]] : facts.position).forEach((place) => {
    pen.beginPath();
    pen.arc(x(place), y(place), 6, 0, 2 * Math.PI);
    pen.fillStyle = "#ffffff";
    pen.fill();
    pen.lineWidth = 2;
    pen.strokeStyle = "#111111";
    pen.stroke();
  });
  sourcesAt(facts, view).forEach((place, source) => dot(pen, x(place), y(place), source));
  drawMetre(pen, scale, height);
}

// The part of the world that holds listener and sources, where there is no plan.
function around(facts) {
  const places = [...facts.position, ...(facts.source_position || []), ...(facts.source_track || []).flat()];
  const range = (axis) => [Math.min(...places.map((p) => p[axis])) - 1.5, Math.max(...places.map((p) => p[axis])) + 1.5];
  const [[left, right], [top, bottom]] = [range(0), range(2)];
  return [left, right, bottom, top];
}

function drawFan(pen, facts, view, chosenOne, x, y, scale) {
  const place = facts.position[view];
  const half = facts.cameras[view].hfov_deg / 2;
  // Heading 0 is up on the plan, and headings grow to the left: counter-clockwise.
  const angle = (heading) => -Math.PI / 2 - heading * RAD;
  const [from, to] = [angle(facts.heading[view] + half), angle(facts.heading[view] - half)];
  const [cx, cy] = [x(place), y(place)];
  pen.beginPath();
  pen.moveTo(cx, cy);
  pen.arc(cx, cy, FAN_M * scale, from, to);
  pen.closePath();
  pen.fillStyle = chosenOne ? "#2f7df680" : "#2f7df630";
  pen.fill();
  pen.lineWidth = chosenOne ? 2.5 : 1;
  pen.strokeStyle = chosenOne ? "#0b4fc4" : "#0b4fc4a0";
  pen.stroke();
  const middle = angle(facts.heading[view]);
  const [tx, ty] = [cx + (FAN_M * scale + 11) * Math.cos(middle), cy + (FAN_M * scale + 11) * Math.sin(middle)];
  viewNumber(pen, tx, ty, view, chosenOne, 10);
}

function drawMetre(pen, scale, height) {
  pen.fillStyle = "#ffffffd8";
  pen.beginPath();
  pen.roundRect(10, height - 34, scale + 16, 26, 6);
  pen.fill();
  pen.fillStyle = "#111111";
  pen.fillRect(18, height - 14, scale, 2.5);
  pen.font = "12px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.fillText("1 m", 18 + scale / 2, height - 19);
}

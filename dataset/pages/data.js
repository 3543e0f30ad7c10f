// Where data comes from: JSON blocks in this page, read when they are needed, or the server that gave the page.
"use strict";

const index = JSON.parse(document.getElementById("index").textContent);
const MOST_KEPT = 60;
const kept = new Map();

// block("facts", 12), block("sound", 12), block("plan", 3): a promise of the parsed JSON.
function block(kind, number) {
  const name = `${kind}-${number}`;
  const coming = kept.get(name) || (index.served ? fetched(kind, number) : embedded(name));
  kept.delete(name);
  kept.set(name, coming);
  coming.catch(() => kept.delete(name));
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  return coming;
}

function embedded(name) {
  return new Promise((resolve, reject) => {
    const look = () => {
      const script = document.getElementById(name);
      const parsed = document.readyState !== "loading";
      // While the page still arrives, the last block may be half there.
      if (script && (parsed || script.nextElementSibling)) resolve(JSON.parse(script.textContent));
      else if (parsed) reject(new Error(`${name} is not in this page`));
      else setTimeout(look, 60);
    };
    look();
  });
}

async function fetched(kind, number) {
  const answer = await fetch(`${kind}/${number}.json`);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error || `the server answered ${answer.status}`);
  return content;
}

// make("p", {className: "x", textContent: "y"}, child...): text only ever enters as text, never as markup.
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

const jpeg = (base64) => `data:image/jpeg;base64,${base64}`;

// Pictures as ImageBitmaps, to draw and to sample.
const bitmapOf = (base64, mime) => createImageBitmap(new Blob([bytesOf(base64)], { type: mime }));

const SOURCE_COLORS = ["#e4572e", "#17bebb", "#ffc914", "#9b5de5", "#76b041", "#f15bb5", "#2e86ab", "#a44a3f"];
const colorOf = (source) => SOURCE_COLORS[source % SOURCE_COLORS.length];

function side(azimuth) {
  const size = Math.round(Math.abs(azimuth));
  if (size === 0 || size === 180) return size ? "behind" : "ahead";
  return `${size}° ${azimuth > 0 ? "left" : "right"}`;
}

// The same in a few letters, where there are several: 91°L.
function shortSide(azimuth) {
  const size = Math.round(Math.abs(azimuth));
  return `${size}°${size % 180 === 0 ? "" : azimuth > 0 ? "L" : "R"}`;
}

// A canvas's context in CSS pixels, sharp on the screen at hand.
function sized(canvas, width, height) {
  const scale = Math.min(window.devicePixelRatio || 1, 2);
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  return pen;
}

const tint = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

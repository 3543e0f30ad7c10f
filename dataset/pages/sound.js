// Sound: decoding at its own rate, spectrograms of both ears, and one player that can turn its head while it plays.
"use strict";

const WINDOW = 512;
const SPAN_DB = 70;
const FADE_S = 0.015;
const FLOOR = 1e-6;
// Nine colours from black over red to pale yellow, of even steps in lightness.
const HEAT = [[0, 0, 4], [28, 16, 68], [79, 18, 123], [129, 37, 129], [181, 54, 122], [229, 80, 100], [251, 135, 97], [254, 194, 135], [252, 253, 191]];
// Opaque pixels as 32-bit words: red is the lowest byte on every machine that browsers run on.
const PALETTE = Uint32Array.from({ length: 256 }, (_, k) => {
  const at = (k / 255) * (HEAT.length - 1);
  const low = Math.min(Math.floor(at), HEAT.length - 2);
  const [red, green, blue] = HEAT[low].map((c, j) => Math.round(c + (HEAT[low + 1][j] - c) * (at - low)));
  return (255 << 24) | (blue << 16) | (green << 8) | red;
});
const HANN = Float64Array.from({ length: WINDOW }, (_, k) => 0.5 - 0.5 * Math.cos((2 * Math.PI * k) / WINDOW));
const TURNS = Array.from({ length: WINDOW / 2 }, (_, k) => (-2 * Math.PI * k) / WINDOW);
const [COS, SIN] = [Float64Array.from(TURNS, Math.cos), Float64Array.from(TURNS, Math.sin)];

// Base64 sound -> AudioBuffer at the given rate; nothing plays.
function decoded(base64, rate) {
  return new OfflineAudioContext(2, 1, rate).decodeAudioData(bytesOf(base64).buffer);
}

const player = {
  context: null, source: null, gain: null, buffer: null, began: 0, onstop: null,

  // Play a buffer from a time on, in seconds; another that plays fades out.
  play(buffer, from, onstop) {
    this.stop();
    this.context ||= new AudioContext();
    this.context.resume();
    const source = new AudioBufferSourceNode(this.context, { buffer });
    const gain = new GainNode(this.context, { gain: 0 });
    const now = this.context.currentTime;
    gain.gain.linearRampToValueAtTime(1, now + FADE_S);
    source.connect(gain).connect(this.context.destination);
    const start = from < buffer.duration ? from : 0;
    source.start(now, start);
    source.onended = () => this.source === source && this.stop();
    Object.assign(this, { source, gain, buffer, began: now - start, onstop });
  },

  stop() {
    if (!this.source) return;
    const { source, gain, context, onstop } = this;
    this.source = null;
    gain.gain.cancelScheduledValues(context.currentTime);
    gain.gain.setValueAtTime(gain.gain.value, context.currentTime);
    gain.gain.linearRampToValueAtTime(0, context.currentTime + FADE_S);
    source.stop(context.currentTime + FADE_S);
    onstop?.();
  },

  time() {
    return this.source ? Math.min(this.context.currentTime - this.began, this.buffer.duration) : 0;
  },
};

// Levels in dB of one channel: frames x (WINDOW / 2) values, 0 dB = full-scale sine.
function levels(samples, hop) {
  const frames = Math.max(Math.floor((samples.length - WINDOW) / hop) + 1, 1);
  const half = WINDOW / 2;
  const out = new Float32Array(frames * half);
  const [real, imaginary] = [new Float64Array(WINDOW), new Float64Array(WINDOW)];
  for (let frame = 0; frame < frames; frame++) {
    for (let k = 0; k < WINDOW; k++) {
      real[k] = (samples[frame * hop + k] || 0) * HANN[k];
      imaginary[k] = 0;
    }
    transform(real, imaginary);
    for (let k = 0; k < half; k++) {
      out[frame * half + k] = 20 * Math.log10(Math.sqrt(real[k] * real[k] + imaginary[k] * imaginary[k]) / (WINDOW / 4) + FLOOR);
    }
  }
  return { frames, half, out };
}

// Fourier transform of WINDOW values in place. No destructuring here: it is what takes the time.
function transform(real, imaginary) {
  for (let i = 1, j = 0; i < WINDOW; i++) {
    let bit = WINDOW >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    const re = real[i];
    const im = imaginary[i];
    real[i] = real[j];
    imaginary[i] = imaginary[j];
    real[j] = re;
    imaginary[j] = im;
  }
  for (let half = 1; half < WINDOW; half <<= 1) {
    for (let k = 0; k < half; k++) {
      const c = COS[(k * WINDOW) / (2 * half)];
      const s = SIN[(k * WINDOW) / (2 * half)];
      for (let i = k; i < WINDOW; i += 2 * half) {
        const j = i + half;
        const re = real[j] * c - imaginary[j] * s;
        const im = real[j] * s + imaginary[j] * c;
        real[j] = real[i] - re;
        imaginary[j] = imaginary[i] - im;
        real[i] += re;
        imaginary[i] += im;
      }
    }
  }
}

// Both ears as one picture, left above right, low tones at the bottom of each; `peak` is the brightest level.
function spectrogram(buffer, hop) {
  const ears = [0, 1].map((channel) => levels(buffer.getChannelData(Math.min(channel, buffer.numberOfChannels - 1)), hop));
  return { ears, peak: ears.reduce((most, ear) => ear.out.reduce((a, b) => Math.max(a, b), most), -Infinity) };
}

function drawEars(canvas, { ears }, peak, buffer) {
  const { frames, half } = ears[0];
  const image = new ImageData(frames, 2 * half);
  const pixels = new Uint32Array(image.data.buffer);
  ears.forEach(({ out }, ear) => {
    for (let frame = 0; frame < frames; frame++) {
      for (let k = 0; k < half; k++) {
        const level = Math.max(0, Math.min(1, 1 + (out[frame * half + k] - peak) / SPAN_DB));
        const row = ear * half + half - 1 - k;
        pixels[row * frames + frame] = PALETTE[Math.round(255 * level)];
      }
    }
  });
  const picture = new OffscreenCanvas(frames, 2 * half);
  picture.getContext("2d").putImageData(image, 0, 0);
  const [w, h] = [320, 168];
  canvas.redraw = (progress) => {
    const pen = sized(canvas, w, h);
    pen.drawImage(picture, 0, 0, w, h);
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, h / 2 - 0.5, w, 1);
    label(pen, "left ear", 6, 15, "left");
    label(pen, "right ear", 6, h / 2 + 15, "left");
    label(pen, `${buffer.sampleRate / 2000} kHz`, w - 6, 15, "right");
    label(pen, `${buffer.duration.toFixed(2)} s`, w - 6, h - 6, "right");
    if (progress) pen.fillRect(progress * w - 1, 0, 2, h);
  };
  canvas.redraw(0);
}

function label(pen, text, x, y, textAlign) {
  Object.assign(pen, { font: "12px system-ui, sans-serif", textAlign, lineWidth: 3, lineJoin: "round", strokeStyle: "#000000c0" });
  pen.strokeText(text, x, y);
  pen.fillText(text, x, y);
}

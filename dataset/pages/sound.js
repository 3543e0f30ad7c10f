// Sound: decoding at its own rate, spectrograms of both ears, and one player that can turn its head while it plays.
"use strict";

const WINDOW = 512;
const SPAN_DB = 70;
const FADE_S = 0.015;
const FLOOR = 1e-6;
// Nine colours from black over red to pale yellow, of even steps in lightness.
const HEAT = [[0, 0, 4], [28, 16, 68], [79, 18, 123], [129, 37, 129], [181, 54, 122], [229, 80, 100], [251, 135, 97], [254, 194, 135], [252, 253, 191]];
const PALETTE = Array.from({ length: 256 }, (_, k) => {
  const at = (k / 255) * (HEAT.length - 1);
  const low = Math.min(Math.floor(at), HEAT.length - 2);
  return HEAT[low].map((c, j) => c + (HEAT[low + 1][j] - c) * (at - low));
});

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
      real[k] = (samples[frame * hop + k] || 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * k) / WINDOW));
      imaginary[k] = 0;
    }
    transform(real, imaginary);
    for (let k = 0; k < half; k++) {
      out[frame * half + k] = 20 * Math.log10(Math.hypot(real[k], imaginary[k]) / (WINDOW / 4) + FLOOR);
    }
  }
  return { frames, half, out };
}

// Fourier transform in place, a power of two long.
function transform(real, imaginary) {
  const n = real.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j], real[i]];
      [imaginary[i], imaginary[j]] = [imaginary[j], imaginary[i]];
    }
  }
  for (let size = 2; size <= n; size <<= 1) {
    const step = (-2 * Math.PI) / size;
    for (let k = 0; k < size / 2; k++) {
      const [c, s] = [Math.cos(step * k), Math.sin(step * k)];
      for (let i = k; i < n; i += size) {
        const j = i + size / 2;
        const [re, im] = [real[j] * c - imaginary[j] * s, real[j] * s + imaginary[j] * c];
        [real[j], imaginary[j]] = [real[i] - re, imaginary[i] - im];
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
  ears.forEach(({ out }, ear) => {
    for (let frame = 0; frame < frames; frame++) {
      for (let k = 0; k < half; k++) {
        const level = Math.max(0, Math.min(1, 1 + (out[frame * half + k] - peak) / SPAN_DB));
        const row = ear * half + half - 1 - k;
        image.data.set([...PALETTE[Math.round(255 * level)], 255], 4 * (row * frames + frame));
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
    pen.font = "12px system-ui, sans-serif";
    pen.shadowColor = "#000000";
    pen.shadowBlur = 4;
    pen.fillText("left ear", 6, 15);
    pen.fillText("right ear", 6, h / 2 + 15);
    pen.textAlign = "right";
    pen.fillText(`${buffer.sampleRate / 2000} kHz`, w - 6, 15);
    pen.fillText(`${buffer.duration.toFixed(2)} s`, w - 6, h - 6);
    pen.shadowBlur = 0;
    if (progress) pen.fillRect(progress * w - 1, 0, 2, h);
  };
  canvas.redraw(0);
}

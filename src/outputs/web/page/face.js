// The face that mirrors an expression, drawn from the same numbers as on the displays: lengths are in radii of the head, y grows downwards.

const RADIUS = 100;
const PIECES = 24;
const FEATURES = "var(--features)", WHITE = "#fbfcfd", MOUTH = "#4a1f26";
// Half of a change is there after 0.08 s.
const FOLLOWS_WITHIN_S = 0.12;

const colours = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const mix = (from, to, share) => from.map((value, i) => value + share * (to[i] - value));
const css = (colour) => `rgb(${colour.map(Math.round).join(" ")})`;

/** An arc from corner to corner as a list of points. */
function curve(x, y, halfWidth, tilt, rise, roundness) {
  return Array.from({ length: PIECES + 1 }, (_, i) => {
    // Denser at the corners, where an ellipse turns fastest.
    const t = -Math.cos((Math.PI * i) / PIECES);
    const parabola = Math.max(0, 1 - t * t);
    const height = rise * (parabola + roundness * (Math.sqrt(parabola) - parabola));
    return [RADIUS * (x + halfWidth * t), RADIUS * (y + tilt * t - height)];
  });
}

const path = (points) => "M" + points.map((point) => point.map((n) => n.toFixed(2)).join(" ")).join("L");
const between = (upper, lower) => path([...upper, ...[...lower].reverse()]) + "Z";

export class Face {
  constructor(svg) {
    const add = (name, attributes, parent = svg) => {
      const element = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      return parent.appendChild(element);
    };
    const line = (width) => ({ fill: "none", stroke: FEATURES, "stroke-width": 2 * width * RADIUS, "stroke-linecap": "round" });
    const clip = (id) => add("path", {}, add("clipPath", { id }));
    this.head = add("circle", { r: RADIUS, stroke: "var(--edge)", "stroke-width": 3 });
    this.sides = [-1, 1].map((side) => ({
      side,
      clip: clip(`eye${side}`),
      eye: add("path", { fill: WHITE }),
      pupil: add("circle", { fill: FEATURES, "clip-path": `url(#eye${side})` }),
      lid: add("path", line(0.032)),
      brow: add("path", line(0.052)),
      wrinkle: add("path", line(0.022)),
    }));
    this.mouthClip = clip("mouth");
    this.mouth = add("path", { fill: MOUTH });
    this.teeth = add("path", { "clip-path": "url(#mouth)" });
    this.lips = [add("path", line(0.045)), add("path", line(0.045))];
  }

  /** Goes over to another mien; at once if it is the first, or if the reader wants no motion. */
  follow(goal) {
    if (goal === this.goal) return;
    this.goal = goal;
    if (!this.mien || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.mien = goal;
      this.draw();
    } else if (!this.last) {
      this.last = performance.now();
      requestAnimationFrame((now) => this.step(now));
    }
  }

  step(now) {
    const share = 1 - Math.exp(-Math.max(0, now - this.last) / 1000 / FOLLOWS_WITHIN_S);
    this.last = now;
    let rest = 0;
    this.mien = Object.fromEntries(Object.entries(this.goal).map(([key, to]) => {
      const from = this.mien[key];
      if (key === "color") return [key, mix(from, to, share)];
      rest = Math.max(rest, Math.abs(to - from));
      return [key, from + share * (to - from)];
    }));
    if (rest < 0.003) {
      this.mien = this.goal;
      this.last = undefined;
    } else {
      requestAnimationFrame((next) => this.step(next));
    }
    this.draw();
  }

  draw() {
    const m = this.mien;
    this.head.setAttribute("fill", css(m.color));
    for (const { side, clip, eye, pupil, lid, brow, wrinkle } of this.sides) {
      const x = 0.37 * side;
      const lids = [m.upper_lid, -m.lower_lid].map((rise) => curve(x, -0.1, 0.19, -side * m.eye_slant, rise, 0.9));
      clip.setAttribute("d", between(...lids));
      eye.setAttribute("d", between(...lids));
      pupil.setAttribute("cx", RADIUS * x);
      pupil.setAttribute("cy", RADIUS * (-0.1 + (m.lower_lid - m.upper_lid) * 0.4));
      pupil.setAttribute("r", RADIUS * m.pupil);
      lid.setAttribute("d", path(lids[0]));
      brow.setAttribute("d", path(curve(x, -m.brow_height, 0.21, -side * m.brow_frown, m.brow_arch, 0)));
      wrinkle.setAttribute("d", path(curve(0.09 * side, 0.12, 0.06, side * 0.05, 0.02, 0)));
      wrinkle.setAttribute("opacity", m.wrinkles);
    }
    const lip = (rise) => curve(0, m.mouth_height, m.mouth_width, m.mouth_slant, rise, m.lip_roundness);
    const lips = [lip(m.upper_lip), lip(m.lower_lip)];
    const bite = curve(0, m.mouth_height + 0.13, m.mouth_width + 0.1, m.mouth_slant, m.upper_lip, 0);
    this.mouthClip.setAttribute("d", between(...lips));
    this.mouth.setAttribute("d", between(...lips));
    this.teeth.setAttribute("d", between(bite.map(([px, py]) => [px, py - RADIUS]), bite));
    this.teeth.setAttribute("fill", css(mix(colours(MOUTH), colours(WHITE), m.teeth)));
    this.lips.forEach((element, i) => element.setAttribute("d", path(lips[i])));
  }
}

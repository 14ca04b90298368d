// Today's expressions: stacked bars, one an hour, and the same as a table.

const HEIGHT = 240, LEFT = 34, BOTTOM = 22, TOP = 26;

const svg = (name, attributes, text) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
};

/** The smallest of 1, 2, 5, 10, … of which five reach `most`. */
function step(most) {
  const power = 10 ** Math.floor(Math.log10(most / 5));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => 5 * n >= most);
}

/** Draws minutes per hour and expression, as wide as there is room. `order`: neutral is at the bottom, so that the others move on a calm ground. */
export function drawChart(place, hours, expressions, minutesWord, summary) {
  const width = Math.max(240, place.clientWidth);
  const order = expressions.map((_, i) => i).reverse();
  const minutes = hours.map((hour) => hour.map((seconds) => seconds / 60));
  const sums = minutes.map((hour) => hour.reduce((a, b) => a + b, 0));
  const unit = step(Math.max(...sums, 1));
  const most = unit * Math.ceil(Math.max(...sums, 1) / unit);
  const y = (value) => HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - TOP);
  const slot = (width - LEFT) / hours.length;
  const chart = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: "img", "aria-label": `${minutesWord}: ${summary}` });
  chart.append(svg("text", { x: 0, y: 12 }, minutesWord));
  for (let value = 0; value <= most + unit / 2; value += unit) {
    chart.append(svg("line", { x1: LEFT, x2: width, y1: y(value), y2: y(value) }));
    chart.append(svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, String(Math.round(value * 100) / 100)));
  }
  const every = slot < 22 ? 6 : 3;
  for (let hour = 0; hour <= hours.length; hour += every) {
    const anchor = hour === hours.length ? "end" : hour === 0 ? "start" : "middle";
    chart.append(svg("text", { x: LEFT + hour * slot, y: HEIGHT - 5, "text-anchor": anchor }, String(hour)));
  }
  minutes.forEach((hour, at) => {
    let base = 0;
    for (const i of order) {
      if (hour[i] <= 0) continue;
      const top = base + hour[i];
      const gap = Math.min(3, slot / 6);
      const bar = { x: LEFT + at * slot + gap / 2, width: slot - gap, y: y(top), height: Math.max(0.5, y(base) - y(top)) };
      chart.append(svg("rect", { ...bar, fill: `var(--${expressions[i]})` }));
      base = top;
    }
  });
  place.replaceChildren(chart);
}

/** Fills the table: a row for each hour in which something was seen. */
export function fillTable(table, hours, expressions, words, number) {
  const row = (kind, cells) => {
    const line = document.createElement("tr");
    cells.forEach((text, i) => {
      const cell = document.createElement(kind === "th" || i === 0 ? "th" : "td");
      cell.scope = kind === "th" ? "col" : "row";
      cell.textContent = text;
      line.append(cell);
    });
    return line;
  };
  const head = document.createElement("thead"), body = document.createElement("tbody");
  head.append(row("th", [words.web.hour, ...expressions.map((name) => `${words.expressions[name]}`)]));
  hours.forEach((hour, at) => {
    if (hour.some((seconds) => seconds > 0)) body.append(row("td", [`${at}:00`, ...hour.map((seconds) => number(seconds / 60))]));
  });
  const caption = document.createElement("caption");
  caption.textContent = words.web.minutes;
  caption.className = "quiet";
  table.replaceChildren(caption, head, body);
}

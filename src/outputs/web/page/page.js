// The page: listens to the device, shows what it says, and says in words what it cannot.

import { drawChart, fillTable } from "/chart.js";
import { Face } from "/face.js";
import { drawOutline } from "/outline.js";

// The device gives a sign of life every 2 s.
const SILENCE_MS = 6000;
const RETRY_MS = 2000;
const CHART_EVERY_MS = 60000;
// A screen reader is told no more often than this, and only what lasts.
const SPEAK_EVERY_MS = 8000;

const at = (id) => document.getElementById(id);
const look = await firstAnswer("/look.json");
const face = new Face(at("face"));
let language, words, today, last, version, spoken = { text: "", time: 0 };

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What a file says, as soon as the device gives it. */
async function firstAnswer(path) {
  for (;;) {
    try {
      return await (await fetch(path)).json();
    } catch {
      await sleep(RETRY_MS);
    }
  }
}

const json = (path, body) => fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const setText = (element, text) => { if (element.textContent !== text) element.textContent = text; };
const number = (value, digits = 1) => new Intl.NumberFormat(language, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
const unit = (value, name, digits = 0) => new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: digits }).format(value);
const duration = (seconds) => {
  const [days, hours, minutes] = [seconds / 86400, (seconds / 3600) % 24, (seconds / 60) % 60].map(Math.floor);
  if (days) return `${unit(days, "day")} ${unit(hours, "hour")}`;
  if (hours) return `${unit(hours, "hour")} ${unit(minutes, "minute")}`;
  return minutes ? unit(minutes, "minute") : unit(Math.floor(seconds), "second");
};

// Words ----------------------------------------------------------------------------------------------------------------------------

function speak(code) {
  language = code;
  words = look.languages[code];
  document.documentElement.lang = code;
  at("language").value = code;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = words.web[element.dataset.word];
  setText(at("notice"), words.web.notice);
  setText(at("today-title"), words.today.charAt(0).toLocaleUpperCase(code) + words.today.slice(1));
  for (const bar of bars) bar.name.textContent = words.expressions[bar.expression];
  spoken.text = "";
  if (last) show(last);
  if (today) showToday();
}

function chooseLanguage() {
  let kept = null;
  try { kept = localStorage.getItem("language"); } catch { /* Where nothing may be kept, the browser's language will do. */ }
  const wanted = [kept, ...navigator.languages.map((name) => name.slice(0, 2).toLowerCase())];
  return wanted.find((code) => code && Object.hasOwn(look.languages, code)) ?? look.language;
}

for (const code of Object.keys(look.languages)) {
  const option = new Option(look.languages[code].web.name, code);
  option.lang = code;
  at("language").add(option);
}
at("language").addEventListener("change", (event) => {
  try { localStorage.setItem("language", event.target.value); } catch { /* Then it holds until the page is closed. */ }
  speak(event.target.value);
});

// What is seen now -----------------------------------------------------------------------------------------------------------------

const bars = look.expressions.map((expression) => {
  const row = document.createElement("li");
  const name = document.createElement("span"), share = document.createElement("span");
  const bar = document.createElement("div"), fill = document.createElement("i");
  name.id = `bar-${expression}`;
  share.className = "number";
  bar.className = "bar";
  fill.className = "none";
  fill.style.background = `var(--${expression})`;
  bar.setAttribute("role", "meter");
  bar.setAttribute("aria-labelledby", name.id);
  bar.setAttribute("aria-valuemin", "0");
  bar.setAttribute("aria-valuemax", "100");
  share.setAttribute("aria-hidden", "true");
  bar.append(fill);
  row.append(name, share, bar);
  at("bars").append(row);
  return { expression, row, name, share, bar, fill };
});

/** Title and advice for what there is to see. */
function message(event) {
  if (event.sight === "watching" && event.expression) return { title: words.expressions[event.expression], advice: "" };
  if (event.counting) return words.counting;
  return words[event.sight === "watching" ? "no_face" : event.sight];
}

function show(event) {
  last = event;
  version ??= event.health.version;
  // Another program, perhaps with another page.
  if (version !== event.health.version) return location.reload();
  const { title, advice } = message(event);
  const mirrored = event.sight === "watching" ? event.expression : null;
  face.follow(look.faces[mirrored ?? "asleep"]);
  setText(at("title"), title);
  setText(at("advice"), advice);
  setText(at("faces"), event.faces ? (event.faces === 1 ? words.web.face : words.web.faces).replace("{n}", event.faces) : "");
  setText(at("device"), event.device);
  document.title = `${title} – ${event.device}`;
  bars.forEach(({ expression, row, share, bar, fill }, i) => {
    const percent = Math.round(100 * (event.probabilities?.[i] ?? 0));
    fill.style.width = `${percent}%`;
    fill.classList.toggle("none", percent === 0);
    bar.setAttribute("aria-valuenow", percent);
    setText(share, event.probabilities ? new Intl.NumberFormat(language, { style: "percent" }).format(percent / 100) : "–");
    row.classList.toggle("top", expression === mirrored);
  });
  const pause = at("pause");
  setText(pause, event.pause === "off" ? words.web.pause : words.web.resume);
  pause.disabled = event.pause === "switched";
  setText(at("pause-note"), event.pause === "switched" ? words.web.switched : "");
  drawOutline(at("outline"), at("outline-card"), event);
  showHealth(event);
  say(title);
}

/** Tells a screen reader what has changed and stays so. */
function say(text) {
  if (text !== spoken.wanted) spoken = { ...spoken, wanted: text, since: Date.now() };
  const lasts = Date.now() - spoken.since > 1500, free = Date.now() - spoken.time > SPEAK_EVERY_MS;
  if (text !== spoken.text && lasts && free) {
    spoken = { ...spoken, text, time: Date.now() };
    at("spoken").textContent = text;
  }
}

function showHealth({ health }) {
  const facts = [[words.web.rate, number(health.frames_per_second)]];
  if (health.temperature_c !== null) {
    const slow = health.throttled ? ` – ${words.web.throttled}` : "";
    facts.push([words.web.temperature, unit(health.temperature_c, "celsius") + slow]);
  }
  facts.push([words.web.running, duration(health.uptime_s)], ["visaged", health.version]);
  showFacts(facts);
  const states = { OK: "ok", DEGRADED: "degraded", FAILED: "failed" };
  const rows = at("parts").tBodies[0];
  while (rows.rows.length > health.parts.length) rows.deleteRow(-1);
  health.parts.forEach((part, i) => {
    const row = rows.rows[i] ?? rows.insertRow();
    if (!row.cells.length) {
      const head = document.createElement("th");
      head.scope = "row";
      const cell = document.createElement("td");
      cell.append(document.createElement("span"), document.createElement("small"));
      row.append(head, cell);
    }
    const [state, reason] = row.cells[1].children;
    setText(row.cells[0], part.name);
    setText(state, words.web[states[part.state]]);
    state.className = states[part.state];
    setText(reason, part.reason);
  });
}

/** Names and values; what stays the same is not touched. */
function showFacts(facts) {
  const list = at("facts");
  while (list.children.length > facts.length) list.lastChild.remove();
  facts.forEach(([name, value], i) => {
    if (!list.children[i]) {
      const group = document.createElement("div");
      group.append(document.createElement("dt"), document.createElement("dd"));
      list.append(group);
    }
    const [term, fact] = list.children[i].children;
    setText(term, name);
    setText(fact, value);
  });
}

// Today ----------------------------------------------------------------------------------------------------------------------------

function showToday() {
  const total = today.seconds.reduce((a, b) => a + b, 0);
  const parts = look.expressions
    .map((expression, i) => [expression, today.seconds[i]])
    .filter(([, seconds]) => seconds >= 1);
  const named = parts.map(([expression, seconds]) => `${words.expressions[expression]} ${duration(seconds)}`);
  const note = total < 1 ? words.web.no_data : !today.hours.length ? words.web.no_clock : today.whole_day ? "" : words.web.since_start;
  setText(at("today-note"), note);
  at("legend").replaceChildren(...parts.map(([expression], i) => {
    const item = document.createElement("li"), colour = document.createElement("i");
    colour.style.background = `var(--${expression})`;
    item.append(colour, named[i]);
    return item;
  }));
  const hours = total < 1 ? [] : today.hours;
  at("today").querySelector("details").hidden = !hours.length;
  if (!hours.length) return at("chart").replaceChildren();
  drawChart(at("chart"), hours, look.expressions, words.web.minutes, named.join(", "));
  fillTable(at("table"), hours, look.expressions, words, number);
}

async function refreshToday() {
  const response = await fetch("/today");
  if (!response.ok) return;
  today = await response.json();
  showToday();
}

let drawnWidth = 0;
new ResizeObserver(([entry]) => {
  if (today && entry.contentRect.width !== drawnWidth) {
    drawnWidth = entry.contentRect.width;
    showToday();
  }
}).observe(at("today"));

// The connection -------------------------------------------------------------------------------------------------------------------

function connected(is, why = words.web.disconnected) {
  setText(at("connection"), is ? "" : why);
  // What is not heard any more may not be so any more.
  document.querySelector("main").classList.toggle("stale", !is);
  at("pause").disabled = !is || last?.pause === "switched";
}

/** Listens until the connection ends; says how it did. */
async function listen() {
  const abort = new AbortController();
  const patience = () => setTimeout(() => abort.abort(), SILENCE_MS);
  const leave = () => { if (document.hidden) abort.abort(); };
  let silence = patience();
  document.addEventListener("visibilitychange", leave);
  try {
    const response = await fetch("/events", { signal: abort.signal });
    if (response.status === 401) return "token";
    if (response.status === 429) return "crowded";
    if (!response.ok) return "gone";
    at("login").hidden = true;
    document.querySelector("main").hidden = false;
    refreshToday();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ;) {
      const { value, done } = await reader.read();
      if (done) return "gone";
      clearTimeout(silence);
      silence = patience();
      const events = (text + value).split("\n\n");
      text = events.pop();
      if (!events.length) continue;
      connected(true);
      show(JSON.parse(events.at(-1).replace(/^data: /, "")));
    }
  } catch {
    return "gone";
  } finally {
    clearTimeout(silence);
    abort.abort();
    document.removeEventListener("visibilitychange", leave);
  }
}

/** Asks for the token until it is the right one. */
async function askForToken() {
  const main = document.querySelector("main");
  main.hidden = true;
  connected(true);
  at("login").hidden = false;
  at("token").focus();
  await new Promise((resolve) => {
    at("login").onsubmit = async (event) => {
      event.preventDefault();
      if (await logIn(at("token").value)) resolve();
    };
  });
}

async function logIn(token) {
  try {
    const response = await json("/login", { token });
    at("token").value = "";
    setText(at("token-wrong"), response.ok ? "" : words.web.wrong_token);
    return response.ok;
  } catch {
    setText(at("token-wrong"), words.web.disconnected);
    return false;
  }
}

at("pause").addEventListener("click", async () => {
  try {
    await json("/pause", { paused: last?.pause === "off" });
  } catch {
    connected(false);
  }
});

speak(chooseLanguage());
face.follow(look.faces.asleep);
connected(false, words.web.connecting);
setInterval(() => { if (!document.hidden && !at("login").checkVisibility()) refreshToday().catch(() => {}); }, CHART_EVERY_MS);

// A link may bring the token behind its #, which browsers keep to themselves.
const brought = new URLSearchParams(location.hash.slice(1)).get("token");
if (brought) {
  history.replaceState(null, "", location.pathname);
  await logIn(brought);
}
for (;;) {
  const end = document.hidden ? "hidden" : await listen();
  if (end === "token") {
    await askForToken();
  } else if (document.hidden) {
    // Nobody looks: the place is for somebody else.
    while (document.hidden) await sleep(200);
  } else {
    connected(false, end === "crowded" ? words.web.crowded : undefined);
    await sleep(RETRY_MS);
  }
}

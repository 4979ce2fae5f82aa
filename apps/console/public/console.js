// The one script of the console's own pages. Every page works without it: it copies, knows two keys, and keeps a page up to date.
"use strict";

document.documentElement.classList.add("script");

// On a phone the pages are in one line that is longer than the screen. (`scrollIntoView` would also move where Tab begins.)
const side = document.querySelector(".side");
const here = side?.querySelector("[aria-current]");
if (side && here)
  side.scrollLeft += here.getBoundingClientRect().left - (side.clientWidth - here.clientWidth) / 2;

// ---- Copy: a click on a value, or on the button beside it
const toast = document.createElement("div");
toast.className = "toast";
toast.setAttribute("role", "status");
document.body.append(toast);
let toastTimer;

function say(text) {
  toast.textContent = text;
  toast.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => toast.classList.remove("shown"), 1600);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied ${text.length > 40 ? `${text.slice(0, 40)}…` : text}`);
  } catch {
    say("The browser does not let this page copy");
  }
}

document.addEventListener("click", (event) => {
  const from = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
  if (from === null || (getSelection()?.toString() ?? "") !== "") return;
  void copy(from.getAttribute("data-copy") ?? "");
});

// ---- Keys: "/" goes to the search, "Escape" leaves it
document.addEventListener("keydown", (event) => {
  const field = document.getElementById("find");
  if (field === null || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = document.activeElement?.matches("input, textarea, select") ?? false;
  if (event.key === "/" && !typing) {
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key === "Escape" && document.activeElement === field) field.blur();
});

// ---- Live: the page loads its content again when the ledger has changed
const SILENCE_MS_MAX = 40_000;
const main = document.querySelector("main[data-live]");

if (main !== null && "EventSource" in window) {
  let heardMs = Date.now();
  let current = true;
  let loading = false;
  let again = false;

  const stale = (why) => {
    const note = document.querySelector(".stale");
    if (note === null) return;
    current = why === undefined;
    note.hidden = current;
    note.textContent = why ?? "";
  };
  const clock = () => new Date(heardMs).toLocaleTimeString("en-GB");
  const lost = () =>
    stale(`This page has not been up to date since ${clock()}: it cannot reach the console.`);

  /** The reader is typing or marking text, or looks at another page: this page waits. */
  const busy = () =>
    document.activeElement?.matches("main input, main textarea, main select") === true ||
    (getSelection()?.toString() ?? "") !== "" ||
    document.hidden;

  async function load() {
    if (loading || busy()) {
      again = true;
      return;
    }
    loading = true;
    again = false;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "manual" });
      const page = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html");
      const fresh = page.querySelector("main[data-live]");
      if (fresh === null) {
        stale("This page is not up to date: load it again.");
        return;
      }
      const open = new Set([...main.querySelectorAll("details[open]")].map(({ id }) => id));
      const focused = document.activeElement?.getAttribute("href");
      const scrolled = [...main.querySelectorAll(".scroll")].map(({ scrollTop, scrollLeft }) => [
        scrollTop,
        scrollLeft,
      ]);
      main.replaceChildren(...fresh.childNodes);
      for (const details of main.querySelectorAll("details")) details.open = open.has(details.id);
      main.querySelectorAll(".scroll").forEach((frame, n) => {
        [frame.scrollTop, frame.scrollLeft] = scrolled[n] ?? [0, 0];
      });
      if (focused != null)
        main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
      heardMs = Date.now();
      stale(undefined);
    } catch {
      lost();
    } finally {
      loading = false;
    }
  }

  const events = new EventSource("/live");
  events.addEventListener("here", () => {
    heardMs = Date.now();
    if (!current || again) void load();
  });
  events.addEventListener("changed", () => {
    heardMs = Date.now();
    void load();
  });
  setInterval(() => {
    if (Date.now() - heardMs > SILENCE_MS_MAX) lost();
    else if (again) void load();
  }, 5_000);
  document.addEventListener("visibilitychange", () => {
    if (again) void load();
  });
  addEventListener("pagehide", () => events.close());
}

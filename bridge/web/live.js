"use strict";
// What the page can do besides: follow changes, tell local times, show a test scan with its progress.
// Everything essential works without it.

// -- times -------------------------------------------------------------------------------------

function localTimes(root) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    if (!Number.isNaN(moment.getTime())) {
      element.title = element.textContent;
      element.textContent = format.format(moment);
    }
  }
}

// -- changes -----------------------------------------------------------------------------------

// The server makes the page; each part marked "live" is replaced by its newer self when that is another.
const shown = new Map();

async function refresh() {
  const answer = await fetch("/", { cache: "no-store" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const parts = [...document.querySelectorAll(".live")];
  const names = new Set(parts.map((part) => part.id));
  const freshParts = [...fresh.querySelectorAll(".live")];
  const sameParts = freshParts.length === parts.length && freshParts.every((part) => names.has(part.id));
  const forms = (root) => [...root.querySelectorAll(".columns")].map((one) => one.innerHTML).join();
  if (!sameParts || forms(fresh) !== formsShown) {
    // A scanner or a computer has come or gone: nobody may lose what they are choosing just now.
    if (document.activeElement && document.activeElement.matches("select, button")) return;
    location.replace("/");
    return;
  }
  for (const part of freshParts) {
    if (shown.get(part.id) === part.innerHTML) continue;
    shown.set(part.id, part.innerHTML);
    const old = document.getElementById(part.id);
    const open = [...old.querySelectorAll("details")].map((one) => one.open);
    const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("aria-label");
    old.replaceChildren(...part.childNodes);
    old.querySelectorAll("details").forEach((one, index) => { one.open = Boolean(open[index]); });
    if (focused) {
      const again = [...old.querySelectorAll("[aria-label]")].find((one) => one.getAttribute("aria-label") === focused);
      if (again) again.focus();
    }
    localTimes(old);
  }
}

let formsShown = "";
let refreshing = false;
let wanted = false;

async function keepFresh() {
  wanted = true;
  if (refreshing) return;
  refreshing = true;
  while (wanted) {
    wanted = false;
    try {
      await refresh();
    } catch {
      // The stream says so too, and tries again.
    }
  }
  refreshing = false;
}

function follow() {
  for (const part of document.querySelectorAll(".live")) shown.set(part.id, part.innerHTML);
  formsShown = [...document.querySelectorAll(".columns")].map((one) => one.innerHTML).join();
  const lost = document.getElementById("lost");
  const events = new EventSource("/events");
  events.addEventListener("open", () => { lost.hidden = true; });
  events.addEventListener("status", keepFresh);
  events.addEventListener("error", () => { lost.hidden = false; });
}

// -- a test scan -------------------------------------------------------------------------------

// How far a JPEG is: it tells its height, and how many blocks lie between two restart markers, which are counted.
class JpegProgress {
  constructor() {
    this.head = new Uint8Array(0);
    this.expected = 0;
    this.seen = 0;
    this.last = 0;
    this.inside = false;
  }

  take(bytes) {
    if (!this.inside) {
      const joined = new Uint8Array(this.head.length + bytes.length);
      joined.set(this.head);
      joined.set(bytes, this.head.length);
      this.head = joined;
      const start = this.readHead(joined);
      if (start < 0) return;
      this.inside = true;
      this.head = new Uint8Array(0);
      bytes = joined.subarray(start);
    }
    for (const byte of bytes) {
      if (this.last === 0xff && byte >= 0xd0 && byte <= 0xd7) this.seen += 1;
      this.last = byte;
    }
  }

  // Where the scan's data begin, -1 while the head is not complete.
  readHead(bytes) {
    let at = 2;
    let width = 0;
    let height = 0;
    let across = 1;
    let down = 1;
    let interval = 0;
    while (at + 4 <= bytes.length) {
      const marker = bytes[at + 1];
      const length = bytes[at + 2] * 256 + bytes[at + 3];
      if (at + 2 + length > bytes.length) return -1;
      if (marker === 0xc0 || marker === 0xc1) {
        height = bytes[at + 5] * 256 + bytes[at + 6];
        width = bytes[at + 7] * 256 + bytes[at + 8];
        across = bytes[at + 11] >> 4 || 1;
        down = bytes[at + 11] & 15 || 1;
      } else if (marker === 0xdd) {
        interval = bytes[at + 4] * 256 + bytes[at + 5];
      }
      at += 2 + length;
      if (marker === 0xda) {
        const blocks = Math.ceil(width / (8 * across)) * Math.ceil(height / (8 * down));
        this.expected = interval ? Math.ceil(blocks / interval) : 0;
        return at;
      }
    }
    return -1;
  }

  get share() {
    return this.expected ? Math.min(1, this.seen / this.expected) : null;
  }
}

function sizeText(count) {
  if (count < 1000) return `${count} bytes`;
  return count < 1e6 ? `${Math.round(count / 1000)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

async function fetchImage(viewer) {
  const text = document.getElementById("progress-text");
  const bar = document.getElementById("progress");
  const cancel = document.getElementById("cancel");
  const type = viewer.dataset.type;
  const jpeg = type === "image/jpeg" ? new JpegProgress() : null;
  const pieces = [];
  let count = 0;
  const failed = (why) => {
    text.textContent = why;
    text.className = "notice bad";
    bar.hidden = true;
    cancel.hidden = true;
  };
  viewer.hidden = false;
  try {
    const answer = await fetch(viewer.dataset.image);
    if (!answer.ok) {
      const why = (await answer.text()).trim();
      failed(why.charAt(0).toUpperCase() + why.slice(1));
      return;
    }
    const reader = answer.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      count += value.length;
      if (jpeg) jpeg.take(value);
      if (jpeg && jpeg.share !== null) {
        bar.value = jpeg.share;
        text.textContent = `Scanning: ${Math.round(jpeg.share * 100)} %, ${sizeText(count)}`;
      } else {
        text.textContent = `Scanning: ${sizeText(count)}`;
      }
    }
  } catch {
    failed("The scan broke off before it was complete. The reason is on the scanners' page, under Problems.");
    return;
  }
  const url = URL.createObjectURL(new Blob(pieces, { type }));
  bar.value = 1;
  text.textContent = `Done: ${sizeText(count)}`;
  cancel.hidden = true;
  const download = document.getElementById("download");
  download.href = url;
  download.hidden = false;
  if (type === "image/jpeg" || type === "image/png") {
    const picture = document.getElementById("picture");
    picture.src = url;
    picture.hidden = false;
  } else {
    download.click();
  }
}

// ----------------------------------------------------------------------------------------------

const viewer = document.getElementById("viewer");
if (viewer) {
  fetchImage(viewer);
} else if (document.getElementById("lost")) {
  follow();
}
localTimes(document);

// A list at the caret, of a textarea or of the rich text editor over it: colleagues after @, canned messages after / or ::.
// The caret stays in the text; arrows choose, Enter and Tab take, Escape closes.

import { element } from "./toast.js";

const MOST = 8;

let popup = null;

/** The element that holds the caret. */
const place = (area) => area.rich?.root ?? area;

/** The text from the beginning of the line or paragraph to the caret. */
export const before = (area) => (area.rich ? area.rich.before() : area.value.slice(0, area.selectionStart));

/** Puts `text` in place of the last `count` characters before the caret. */
export function put(area, count, text) {
  if (area.rich) return area.rich.replace(count, text);
  const at = area.selectionStart;
  area.setRangeText(text, at - count, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

export function closeOffer() {
  if (!popup) return;
  popup.box.remove();
  for (const name of ["aria-activedescendant", "aria-controls"]) popup.host.removeAttribute(name);
  popup = null;
}

function choose(index) {
  popup.at = (index + popup.options.length) % popup.options.length;
  popup.options.forEach((option, at) => option.setAttribute("aria-selected", String(at === popup.at)));
  popup.options[popup.at].scrollIntoView({ block: "nearest" });
  popup.host.setAttribute("aria-activedescendant", popup.options[popup.at].id);
}

async function take(index) {
  const { area, count, items } = popup;
  closeOffer();
  const { text } = items[index];
  put(area, count, typeof text === "function" ? await text() : text);
}

/** Where the caret stands on the screen; a textarea does not tell, so its lower left corner does. */
function caret(area) {
  const host = place(area).getBoundingClientRect();
  const range = area.rich && getSelection().rangeCount && getSelection().getRangeAt(0).getClientRects()[0];
  return range ? { left: range.left, top: range.top, bottom: range.bottom } : { left: host.left + 16, top: host.top, bottom: host.bottom };
}

/** Below the caret, or above it where there is no room. */
function show(area, box) {
  document.body.append(box);
  const { left, top, bottom } = caret(area);
  const { width, height } = box.getBoundingClientRect();
  const isAbove = bottom + height + 8 > innerHeight && top > height + 8;
  box.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  box.style.top = `${isAbove ? top - height - 4 : Math.min(bottom + 4, innerHeight - height - 8)}px`;
}

/** Offers `items` ({ name, detail, text }) in place of the last `count` characters before the caret. */
export function offer(area, label, count, items) {
  closeOffer();
  if (!items.length) return;
  const options = items.slice(0, MOST).map(({ name, detail }, index) => {
    const option = element("div", { className: "option", id: `offer-${index}`, role: "option" },
      element("span", {}, name), element("small", {}, detail ?? ""));
    option.addEventListener("mousedown", (event) => {
      event.preventDefault();
      take(index);
    });
    return option;
  });
  const list = element("div", { className: "options", id: "offer", role: "listbox", "aria-label": label }, ...options);
  const box = element("div", { className: "popup" }, list);
  const host = place(area);
  popup = { area, host, count, items, options, box, at: 0 };
  show(area, box);
  host.setAttribute("aria-autocomplete", "list");
  host.setAttribute("aria-controls", "offer");
  choose(0);
}

const KEYS = {
  ArrowDown: () => choose(popup.at + 1),
  ArrowUp: () => choose(popup.at - 1),
  Enter: () => take(popup.at),
  Tab: () => take(popup.at),
  Escape: closeOffer,
};

document.addEventListener("keydown", (event) => {
  if (!popup || !popup.host.contains(event.target)) return;
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
  const act = isPlain && KEYS[event.key];
  // What moves the caret elsewhere leaves what the list was for.
  if (!act) return /^(Arrow|Home|End|Page)/.test(event.key) ? closeOffer() : undefined;
  event.preventDefault();
  event.stopImmediatePropagation();
  act();
}, true);

document.addEventListener("mousedown", (event) => popup && !popup.box.contains(event.target) && closeOffer());
document.addEventListener("focusout", (event) => popup?.host.contains(event.target) && closeOffer());
document.addEventListener("scroll", (event) => popup && !popup.box.contains(event.target) && closeOffer(), true);

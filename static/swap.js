// Parts of the page are swapped for what the server says now; what did not change is not touched.

/** The page at `url`, parsed, and where it was in the end. */
export async function fetchPage(url, options = {}) {
  const response = await fetch(url, { ...options, headers: { Accept: "text/html" } });
  const html = await response.text();
  return { page: new DOMParser().parseFromString(html, "text/html"), url: response.url };
}

/** What the server sent for each element; the elements themselves change (opened quotes, sizes, checked boxes). */
const served = new WeakMap();
export const remember = (item) => served.set(item, item.outerHTML);
export const isRemembered = (item) => served.has(item);

/** `fresh` made part of this page, or `old` where both are the same; a checked row stays checked. */
export function renew(old, fresh) {
  if (old && served.get(old) === fresh.outerHTML) return old;
  const made = document.adoptNode(fresh);
  remember(made);
  const box = made.querySelector(".row-check");
  if (box && old) box.checked = old.querySelector(".row-check").checked;
  return made;
}

/** Does `change` to the children of `current` and gives the focus back to the child that had it. */
export function keepFocus(current, change) {
  const focused = current.contains(document.activeElement) ? document.activeElement : null;
  const place = focused?.closest("[id]")?.id;
  change();
  if (place && !current.contains(document.activeElement)) {
    document.getElementById(place)?.querySelector(focused.matches(".row-check") ? ".row-check" : "a")?.focus({ preventScroll: true });
  }
}

/** Brings a list's children up to date by id, touching only those that changed: mail frames do not reload, and what
    is selected stays selected. */
export function reconcile(current, fresh) {
  const known = new Map([...current.children].filter((item) => item.id).map((item) => [item.id, item]));
  const items = [...fresh.children].map((item) => renew(known.get(item.id), item));
  const wanted = new Set(items);
  keepFocus(current, () => {
    for (const item of [...current.children]) if (!wanted.has(item)) item.remove();
    items.forEach((item, index) => {
      if (current.children[index] !== item) current.insertBefore(item, current.children[index] ?? null);
    });
  });
}

/** Replaces the content of #id and gives the focus back to the element of the same id or link. */
export function swap(page, id) {
  const current = document.getElementById(id);
  const fresh = page.getElementById(id);
  if (!current || !fresh) return false;
  const focused = current.contains(document.activeElement) ? document.activeElement : null;
  const href = focused?.getAttribute("href");
  current.replaceChildren(...fresh.childNodes);
  if (focused?.id) document.getElementById(focused.id)?.focus();
  else if (href) current.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
  return true;
}

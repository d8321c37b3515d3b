// Says something for a few seconds, to eyes and to screen readers.

export function toast(text) {
  let toasts = document.querySelector(".toasts");
  if (!toasts) {
    toasts = document.createElement("div");
    toasts.className = "toasts";
    toasts.setAttribute("role", "status");
    document.body.append(toasts);
  }
  const item = document.createElement("div");
  item.className = "toast";
  item.textContent = text;
  toasts.append(item);
  setTimeout(() => item.remove(), 3000);
}

// What the server tells was done stays longer: it can be taken back.
const done = document.querySelector("[data-done]");
if (done && done.dataset.running === undefined) {
  // The address would tell it again at every reload.
  const url = new URL(location.href);
  url.searchParams.delete("done");
  history.replaceState(history.state, "", url);
  setTimeout(() => done.closest(".toasts")?.remove(), 15000);
}

/** One of the page's icons; where they lie is said by those that are there. */
export function icon(name) {
  const known = document.querySelector(".icon");
  const made = known.cloneNode(true);
  const use = made.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${name}`));
  return made;
}

/** An element with properties and children. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in made && !key.startsWith("aria")) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

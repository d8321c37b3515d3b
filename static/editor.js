// The rich text editor over a textarea: Squire on clean HTML. Loaded when somebody begins to write. The textarea stays the
// form's field and always holds the text as plain text; a field `html` beside it holds the same with its marks.

import DOMPurify from "./vendor/purify.es.mjs";
import Squire from "./vendor/squire.mjs";
import { element } from "./toast.js";

const icons = document.querySelector("use")?.getAttribute("href").split("#")[0];

/** What mail can carry; pictures are files, and colours and sizes of other programs stay there. */
const RULES = {
  ALLOWED_TAGS: ["a", "b", "strong", "i", "em", "u", "s", "p", "div", "br", "ul", "ol", "li", "blockquote", "pre", "code"],
  ALLOWED_ATTR: ["href", "dir"],
  RETURN_DOM_FRAGMENT: true,
};

const clean = (html) => document.importNode(DOMPurify.sanitize(html, RULES), true);

const escape = (text) => text.replace(/[&<>]/g, (mark) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[mark]);
// A blank at the end would vanish: whoever types while the editor comes has just written one.
const lineFromText = (line) => escape(line).replace(/ (?= |$)/g, "&nbsp;") || "<br>";
const fromText = (text) => text.split("\n").map((line) => `<div>${lineFromText(line)}</div>`).join("");

function picture(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${icons}#${name}`);
  svg.append(use);
  return svg;
}

function link(squire) {
  if (squire.hasFormat("A")) return squire.removeLink();
  const address = prompt("Where does the link lead?", "https://");
  if (address && /^(https?|mailto):/i.test(address)) squire.makeLink(address);
}

const has = (tag) => (squire) => squire.hasFormat(tag);
const TOOLS = [
  ["bold", "Bold", "Ctrl+B", has("B"), (squire, on) => (on ? squire.removeBold() : squire.bold())],
  ["italic", "Italic", "Ctrl+I", has("I"), (squire, on) => (on ? squire.removeItalic() : squire.italic())],
  ["underline", "Underline", "Ctrl+U", has("U"), (squire, on) => (on ? squire.removeUnderline() : squire.underline())],
  ["link", "Link", "", has("A"), link],
  ["list", "List", "", has("UL"), (squire, on) => (on ? squire.removeList() : squire.makeUnorderedList())],
  ["list-ordered", "Numbered list", "", has("OL"), (squire, on) => (on ? squire.removeList() : squire.makeOrderedList())],
  ["text-quote", "Quote", "", has("BLOCKQUOTE"), (squire, on) => (on ? squire.decreaseQuoteLevel() : squire.increaseQuoteLevel())],
  ["remove-formatting", "Without marks", "", null, (squire) => squire.removeAllFormatting()],
];

// The editor marks places with characters of no width; spaces that must not break are spaces for whoever reads the text.
const INVISIBLE = "\u200b";
const visible = (text) => text.replaceAll(INVISIBLE, "").replace(/\u00a0/g, " ");

function blockOf(node, root) {
  const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
  return element.closest("div, p, li, pre") ?? root;
}

function toCaret(from, { startContainer, startOffset }) {
  const range = document.createRange();
  range.setStart(from, 0);
  range.setEnd(startContainer, startOffset);
  return range.toString();
}

/** Where the character stands that is `count` before the caret; marks may divide a word into several nodes. */
function stepBack(root, range, count) {
  const text = toCaret(root, range);
  let at = text.length;
  for (let left = count; left > 0 && at > 0; at -= 1) if (text[at - 1] !== INVISIBLE) left -= 1;
  if (at === text.length) return [range.startContainer, range.startOffset];
  const nodes = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (nodes.nextNode()) {
    const { currentNode } = nodes;
    if (at < currentNode.length) return [currentNode, at];
    at -= currentNode.length;
  }
  return [range.startContainer, range.startOffset];
}

/** Puts the editor over `area` and gives what the composer needs of it. */
export function enrich(area) {
  const root = element("div", { className: "editor", role: "textbox", "aria-multiline": "true", "aria-label": area.labels[0]?.textContent ?? "Text", dir: "auto" });
  for (const name of ["aria-invalid", "aria-describedby"]) if (area.hasAttribute(name)) root.setAttribute(name, area.getAttribute(name));
  root.dataset.drop = "";
  root.dataset.placeholder = area.placeholder;
  const html = element("input", { type: "hidden", name: "html" });
  const bar = element("div", { className: "editor-tools", role: "toolbar", "aria-label": "Marks" });
  area.before(bar, root, html);
  const squire = new Squire(root, { blockTag: "DIV", sanitizeToDOMFragment: clean });
  const stored = area.dataset.html;
  const keepsMarks = stored && area.value.trim() === area.defaultValue.trim();
  squire.setHTML(keepsMarks ? stored : fromText(area.value));
  const isRequired = area.required;
  area.required = false;
  area.hidden = true;

  const buttons = TOOLS.map(([icon, name, keys, isOn, act]) => {
    const button = element("button", { type: "button", className: "button button-quiet button-icon button-small", title: keys ? `${name} (${keys})` : name, "aria-label": name }, picture(icon));
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => act(squire, isOn?.(squire)));
    bar.append(button);
    return [button, isOn];
  });
  const plain = element("button", { type: "button", className: "button button-quiet button-small editor-plain", title: "Write without marks" }, picture("type"), "Plain text");
  bar.append(plain);

  const showMarks = () => {
    for (const [button, isOn] of buttons) if (isOn) button.setAttribute("aria-pressed", String(isOn(squire)));
  };
  const text = () => visible(root.innerText).replace(/\n{3,}/g, "\n\n").trim();
  const take = () => {
    area.value = text();
    html.value = area.value ? squire.getHTML() : "";
    root.toggleAttribute("data-empty", !area.value);
  };
  squire.addEventListener("input", () => {
    // Attributes count as input, too, such as those of a list at the caret.
    const before = html.value;
    take();
    if (html.value === before) return;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  });
  squire.addEventListener("pathChange", showMarks);
  take();
  showMarks();

  // Whoever puts the caret into the textarea means the editor.
  area.focus = () => squire.focus();
  const rich = {
    root,
    /** The text from the beginning of the paragraph to the caret. */
    before: () => visible(toCaret(blockOf(squire.getSelection().startContainer, root), squire.getSelection())),
    /** Puts `added` in place of the last `count` characters before the caret. */
    replace(count, added) {
      const range = squire.getSelection();
      const [node, offset] = stepBack(root, range, count);
      range.setStart(node, offset);
      squire.setSelection(range);
      squire.insertPlainText(added, false);
    },
    leave() {
      area.required = isRequired;
      area.hidden = false;
      delete area.focus;
      delete area.rich;
      squire.destroy();
      for (const part of [bar, root, html]) part.remove();
      area.focus();
    },
  };
  plain.addEventListener("click", () => area.dispatchEvent(new CustomEvent("plain", { bubbles: true })));
  area.rich = rich;
  squire.focus();
  squire.moveCursorToEnd();
  return rich;
}

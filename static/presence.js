// Tells the server that this console is open, which conversation it shows and whether somebody writes there, and shows
// who else is there.

const BEAT = 15000;
const csrf = document.querySelector("[data-csrf]")?.dataset.csrf;

let open = null;
let typedAt = 0;
let wasWriting = false;

const isWriting = () => Date.now() - typedAt < 20000;

function body(more) {
  const fields = new URLSearchParams({ csrf });
  for (const [key, value] of Object.entries(more)) if (value) fields.set(key, value);
  return fields;
}

async function beat() {
  if (!csrf) return;
  const shown = document.visibilityState === "visible" ? open : null;
  wasWriting = isWriting();
  try {
    const fields = body({ conversation: shown, writing: shown && wasWriting ? "1" : "" });
    const response = await fetch("/console/beat", { method: "POST", body: fields });
    const place = document.getElementById("presence");
    if (!place || !shown || shown !== open || response.status !== 200) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const [now, before] = [page.body.textContent.trim(), place.textContent.trim()];
    // A status region speaks when it changes, and only then.
    if (now !== before) place.replaceChildren(...page.body.childNodes);
  } catch {
    // Offline: the next beat tells.
  }
}

function leave() {
  if (csrf && open) navigator.sendBeacon("/console/beat", body({ conversation: open, leaving: "1" }));
}

export function startPresence(conversation) {
  if (open && open !== conversation) leave();
  open = conversation ?? null;
  typedAt = 0;
  beat();
}

document.addEventListener("input", (event) => {
  if (!event.target.closest?.(".composer")) return;
  typedAt = Date.now();
  if (!wasWriting) beat();
});

setInterval(beat, BEAT);
addEventListener("pagehide", leave);
document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? beat() : leave()));

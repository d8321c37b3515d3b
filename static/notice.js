// Notices: what concerns this agent is said in the console, and by the browser when nobody looks at the console. The
// browser is asked for its leave only when somebody presses the button.

import { toast } from "./toast.js";

const canNotify = () => "Notification" in window && Notification.permission === "granted";

/** Whether this tab goes on listening in the background: one tab at a time does. */
let isWatch = false;
export const keepsWatch = () => isWatch && canNotify();

/** Begins to wait for the watch; `change` is called when this tab has it. */
export function standWatch(change) {
  if (!canNotify() || !navigator.locks) return;
  navigator.locks.request("anytime-notice", () => {
    isWatch = true;
    change();
    return new Promise(() => {});
  });
}

/** Says a notice; the conversation that is open says it itself. */
export function tell({ conversation, sentence, subject, page, browser }, openId) {
  const isVisible = document.visibilityState === "visible";
  if (isVisible && conversation === openId) return;
  if (isVisible && page) toast(`${sentence}: ${subject}`);
  if (!isVisible && browser && canNotify()) {
    const shown = new Notification(sentence, { body: subject, tag: `anytime-${conversation}`, icon: "/static/favicon.svg" });
    shown.onclick = () => {
      window.focus();
      location.assign(`/console/conversations/${conversation}`);
      shown.close();
    };
  }
}

function showState() {
  const state = document.querySelector("[data-notice-state]");
  if (!state) return;
  const button = document.querySelector("[data-ask-notice]");
  if (!("Notification" in window)) {
    button.disabled = true;
    state.textContent = "This browser has no notifications, or the address is not https.";
  } else {
    button.disabled = Notification.permission !== "default";
    const words = { granted: "Allowed here.", denied: "Refused here: change it in the browser’s settings for this site.", default: "" };
    state.textContent = words[Notification.permission];
  }
}

document.addEventListener("click", async (event) => {
  if (!event.target.closest("[data-ask-notice]")) return;
  await Notification.requestPermission();
  showState();
});

showState();

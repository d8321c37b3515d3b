// Text that was not sent yet is kept for this tab until the server took it: a lost session, a closed laptop or a wrong
// key lose nothing.

// Storage throws where it is switched off or full; nothing here is worth an error.
export const attempt = (action) => {
  try {
    return action();
  } catch {
    return null;
  }
};

const textOf = (form) => form.querySelector("textarea");

/** A page for signed-in people that does not show the form again as refused: the text has arrived. */
const arrived = (key) =>
  document.querySelector("[data-signed-in]") && !document.querySelector(`form[data-draft="${CSS.escape(key)}"][data-refused]`);

export function restoreDrafts() {
  const sent = sessionStorage.getItem("sending");
  sessionStorage.removeItem("sending");
  if (sent && arrived(sent)) sessionStorage.removeItem(`draft:${sent}`);
  for (const form of document.querySelectorAll("form[data-draft]")) {
    const text = textOf(form);
    const draft = sessionStorage.getItem(`draft:${form.dataset.draft}`);
    if (draft && text.value === "") text.value = draft;
  }
}

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form?.dataset.draft || event.target !== textOf(form)) return;
  const key = `draft:${form.dataset.draft}`;
  attempt(() => (event.target.value ? sessionStorage.setItem(key, event.target.value) : sessionStorage.removeItem(key)));
});

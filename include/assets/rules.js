// The editor of rules: rows come and go, and choices redraw what depends on them, without leaving the page.
// The server draws; without this file its buttons do the same as whole pages.
const form = document.getElementById("rule-form");
const fields = document.getElementById("rule-fields");
const changed = () => form.dispatchEvent(new Event("doclife:changed"));
let drawing;

function typed() {
  const controls = [...fields.querySelectorAll("input:not([type=hidden]), select, textarea")];
  return new Map(controls.map((control) => [control.name, control.type === "checkbox" ? control.checked : control.value]));
}

// What is typed while the server draws stays typed. Removing a row gives others its name, so nothing is carried over then.
function put(values) {
  for (const [name, value] of values) {
    const control = form.elements.namedItem(name);
    if (control?.type === "checkbox") control.checked = value;
    else if (control) control.value = value;
  }
}

async function redraw(deed, focus) {
  drawing?.abort();
  drawing = new AbortController();
  const body = new URLSearchParams(new FormData(form));
  body.set("do", deed);
  const before = typed();
  fields.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, credentials: "same-origin", signal: drawing.signal });
    const made = new DOMParser().parseFromString(await answer.text(), "text/html");
    const drawn = made.getElementById("rule-fields");
    if (drawn) {
      const since = deed.startsWith("remove") ? [] : [...typed()].filter(([name, value]) => before.get(name) !== value);
      const at = fields.contains(document.activeElement) && document.activeElement.name || focus;
      fields.replaceChildren(...drawn.childNodes);
      put(since);
      form.elements.namedItem(at)?.focus?.({ preventScroll: true });
    }
  } catch (error) {
    if (error.name !== "AbortError") form.requestSubmit(form.querySelector("button[value=preview]"));
    return;
  }
  fields.removeAttribute("aria-busy");
  changed();
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-redraw]");
  if (!button) return;
  event.preventDefault();
  redraw(button.value);
});
form.addEventListener("change", (event) => {
  if (event.target.matches("select[data-redraw]")) redraw("refresh", event.target.name);
});
document.getElementById("as_of").addEventListener("change", changed);

// Exact times, dialogs, select-all, live previews, refreshing parts, links into Airflow.
// Everything else is the server's HTML; every page works without this file.

// The switch "Exact times" swaps every relative time for the exact one, and back; kept.
function exactTimes(scope) {
  const control = document.querySelector("[data-exact-times]");
  if (!control) return;
  const show = (exact) => {
    control.setAttribute("aria-pressed", exact);
    for (const time of document.querySelectorAll("time[data-exact]")) {
      time.dataset.relative ??= time.textContent;
      time.textContent = exact ? time.dataset.exact : time.dataset.relative;
    }
  };
  if (scope === document) {
    control.addEventListener("click", () => {
      const exact = control.getAttribute("aria-pressed") !== "true";
      localStorage.setItem("doclife.exact", exact);
      show(exact);
    });
  }
  if (localStorage.getItem("doclife.exact") === "true") show(true);
}

// Airflow's sandbox blocks confirm(); a <dialog> traps focus, closes with Escape and gives it back.
function dialogs(scope) {
  for (const opener of scope.querySelectorAll("[data-dialog]")) {
    const dialog = document.getElementById(opener.dataset.dialog);
    if (!dialog) continue;
    opener.addEventListener("click", (event) => {
      event.preventDefault();
      dialog.showModal();
    });
  }
  for (const closer of scope.querySelectorAll("dialog [data-close]")) {
    closer.addEventListener("click", (event) => {
      event.preventDefault();
      closer.closest("dialog").close();
    });
  }
  // What destroys asks for a typed word; the button stays disabled until it is there.
  for (const input of scope.querySelectorAll("[data-unlocks]")) {
    const button = document.getElementById(input.dataset.unlocks);
    const check = () => { button.disabled = input.value.trim() !== input.dataset.word; };
    input.addEventListener("input", check);
    check();
  }
}

function selectAll(scope) {
  for (const all of scope.querySelectorAll("[data-select-all]")) {
    const boxes = [...all.closest("table").querySelectorAll("tbody input[type=checkbox]")];
    const sync = () => {
      const ticked = boxes.filter((box) => box.checked).length;
      all.checked = boxes.length > 0 && ticked === boxes.length;
      all.indeterminate = ticked > 0 && !all.checked;
      all.dispatchEvent(new CustomEvent("doclife:ticked", { bubbles: true, detail: ticked }));
    };
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
      sync();
    });
    for (const box of boxes) box.addEventListener("change", sync);
    sync();
  }
}

// Choices of a filter bar act at once; without script its button does.
function submitOnChange(scope) {
  for (const control of scope.querySelectorAll("[data-submit]")) {
    control.addEventListener("change", () => control.form.requestSubmit());
  }
}

async function fill(target, address, options) {
  const answer = await fetch(address, { credentials: "same-origin", ...options });
  // A problem is a whole page; its words are shown where the part would stand.
  const made = new DOMParser().parseFromString(await answer.text(), "text/html");
  const words = answer.ok ? [...made.body.childNodes] : [...made.querySelectorAll("main > *")];
  target.replaceChildren(...words);
  enliven(target);
}

// <form data-live="address" data-live-target="id">: what is typed is shown at work, half a second
// after the last key. One question at a time: the server would go on counting for one that nobody
// waits for any more. When its answer is there, the newest is asked.
function livePreviews(scope) {
  for (const form of scope.querySelectorAll("form[data-live]")) {
    const target = document.getElementById(form.dataset.liveTarget);
    let timer, isAsking = false, isOutdated = false;
    const send = async () => {
      isOutdated = true;
      if (isAsking) return;
      isAsking = true;
      target.setAttribute("aria-busy", "true");
      while (isOutdated && target.isConnected) {
        isOutdated = false;
        try {
          const body = new URLSearchParams(new FormData(form));
          await fill(target, form.dataset.live, { method: "POST", body });
        } catch { /* what is typed next asks again */ }
      }
      isAsking = false;
      target.removeAttribute("aria-busy");
    };
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(send, 500);
    };
    form.addEventListener("input", later);
    form.addEventListener("doclife:changed", later);
    if (form.dataset.liveNow !== undefined) send();
  }
}

// <div data-refresh="address" data-seconds="3">: fetched again while the page is looked at, until
// an answer brings data-done along.
function refreshes(scope) {
  for (const part of scope.querySelectorAll("[data-refresh]")) {
    const again = () => setTimeout(tick, 1000 * Number(part.dataset.seconds || 5));
    const tick = async () => {
      if (!part.isConnected) return;
      try {
        const busy = document.hidden || part.contains(document.activeElement);
        if (!busy) await fill(part, part.dataset.refresh);
      } catch { /* the next tick tries again */ }
      if (!part.querySelector("[data-done]")) again();
    };
    again();
  }
}

// <a data-airflow>: opens in Airflow around the frame; the sandbox allows neither _top nor popups.
function airflowLinks(scope) {
  if (window.parent === window) return;
  for (const link of scope.querySelectorAll("a[data-airflow]")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      window.parent.history.pushState({}, "", link.href);
      window.parent.dispatchEvent(new PopStateEvent("popstate", { state: {} }));
    });
  }
}

// On a phone the tabs scroll sideways; the current one starts in view.
function showCurrentTab() {
  const tab = document.querySelector(".tabs [aria-current]");
  if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - 48;
}

function enliven(scope) {
  exactTimes(scope);
  dialogs(scope);
  selectAll(scope);
  submitOnChange(scope);
  livePreviews(scope);
  refreshes(scope);
  airflowLinks(scope);
}

showCurrentTab();
enliven(document);

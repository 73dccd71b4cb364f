// Before the first paint: the page takes the theme of Airflow, and follows its switch.
// Airflow keeps it as a class of its own <html>; opened on its own the page follows Airflow's
// stored choice, or the system.
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const host = window.parent !== window && window.parent.document.documentElement;
  const copy = () => {
    const theme = host
      ? ["light", "dark"].find((name) => host.classList.contains(name))
      : localStorage.getItem("theme");
    root.classList.remove("light", "dark");
    if (theme === "light" || theme === "dark") root.classList.add(theme);
  };
  copy();
  if (host) new MutationObserver(copy).observe(host, { attributeFilter: ["class"] });
  else addEventListener("storage", copy);
})();

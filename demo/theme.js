// Dark or light. A classic script in the head, so that the page never flashes
// in the wrong colours; the choice outlives the page where storage is allowed.
(() => {
  const KEY = "graceline-demo-theme";
  const root = document.documentElement;

  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  const store = (/** @type {string} */ theme) => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // A page without storage keeps the choice until it is closed.
    }
  };

  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = stored();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;

  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const text = document.getElementById("theme-text");
    if (!button || !text) return;
    const isDark = () =>
      (root.dataset.theme ?? (systemDark.matches ? "dark" : "light")) ===
      "dark";
    const show = () => {
      text.textContent = isDark() ? "Light" : "Dark";
      button.setAttribute(
        "aria-label",
        isDark() ? "Light colours" : "Dark colours",
      );
    };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      store(root.dataset.theme);
      show();
    });
    systemDark.addEventListener("change", show);
    show();
  });
})();

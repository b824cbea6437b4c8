// Light or dark, as chosen before: no module, so that nothing is painted in the wrong one first.

{
  /** @param {string} theme */
  const apply = (theme) => {
    document.documentElement.dataset.theme = theme;
  };
  try {
    apply(localStorage.getItem("theme") ?? "");
  } catch {
    // Storage is off: the system's theme it is.
  }
}

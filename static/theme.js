// Loaded in the head without defer: the chosen theme is there before the first paint.
{
  const root = document.documentElement;
  root.dataset.enhanced = "";
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch {
    // Storage may be switched off; then the system's theme stays.
  }
}

// A password can be looked at while it is typed, and Caps Lock is told: most wrong passwords are one of the two.

const password = document.querySelector("#password");
const shows = document.querySelector("[data-shows-password]");
const capsLock = document.querySelector("#caps-lock");

shows.hidden = false;
shows.addEventListener("click", () => {
  const shown = password.type === "password";
  password.type = shown ? "text" : "password";
  shows.setAttribute("aria-pressed", String(shown));
  password.focus();
});

// Browsers keep what was typed as a password; as a text they might offer it to others.
password.form.addEventListener("submit", () => {
  password.type = "password";
});

for (const kind of ["keydown", "keyup", "pointerdown"]) {
  document.addEventListener(kind, (event) => {
    // What a browser fills in by itself comes as a key without a state.
    const on = event.getModifierState?.("CapsLock") && document.activeElement === password;
    const text = on ? capsLock.dataset.says : "";
    if (capsLock.textContent !== text) capsLock.textContent = text;
  });
}
password.addEventListener("blur", () => {
  capsLock.textContent = "";
});

// A browser asks for leave to notify only when somebody has just asked for it.

const box = document.querySelector("#notifications");
const blocked = document.querySelector("#notifications-blocked");

box.addEventListener("change", async () => {
  const allowed = !box.checked || ("Notification" in window && (await Notification.requestPermission()) === "granted");
  blocked.hidden = allowed;
});

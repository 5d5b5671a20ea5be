// The key of a link stands behind its #, which is sent to nobody: it is posted, and taken out of the address.

const form = document.querySelector("#opens-link");

function open() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key") ?? "";
  history.replaceState(null, "", location.pathname + location.search);
  form.elements.key.value = key;
  form.submit();
}

// Another link of this page, opened in the same tab, loads nothing by itself.
addEventListener("hashchange", () => location.hash && open());
const without = document.querySelector("#needs-script");
if (without) {
  without.hidden = true;
  open();
}

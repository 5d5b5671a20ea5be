// What was written in the reply box when "Save as canned reply" was chosen there.

const field = document.querySelector("#text");
if (!field.value) field.value = sessionStorage.getItem("inbox.canned") ?? "";
sessionStorage.removeItem("inbox.canned");

// The control API: openapi.json describes every call.

const API = "/simulator/v1/";

// Gives the answer of a call, or throws the sentence that says why not.
export async function call(path, body, method = body ? "POST" : "GET") {
  const sent = body ? { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
  return given(await fetch(API + path, { method, ...sent }));
}

async function given(answer) {
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error ?? `answered ${answer.status}`);
  return said;
}

// Gives null, or the sentence that says why it was refused: by the simulator, or by the Graph API.
export async function refused(path, body) {
  try {
    return (await call(path, body)).body?.error?.message ?? null;
  } catch (error) {
    return error.message;
  }
}

// Keeps a file as Messenger does; gives its address.
export async function upload(file) {
  const headers = { "Content-Type": file.type || "application/octet-stream" };
  const answer = await fetch(`${API}files?name=${encodeURIComponent(file.name)}`, { method: "POST", headers, body: file });
  return (await given(answer)).url;
}

// Calls `look` now and after every change, and never again before it has finished.
export function follow(look) {
  let again = false;
  let busy = false;
  const run = async () => {
    again = true;
    if (busy) return;
    busy = true;
    while (again) {
      again = false;
      try {
        await look();
      } catch {
        // The server is gone; the event stream calls again when it is back.
      }
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    busy = false;
  };
  run();
  new EventSource(`${API}events`).addEventListener("change", run);
}

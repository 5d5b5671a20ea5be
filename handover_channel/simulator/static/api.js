// The control API: see http_routes.py for every path.

export async function get(path) {
  const answer = await fetch(`/simulator/${path}`);
  return answer.json();
}

// A call of the API that openapi.json describes; gives its answer, or throws the sentence that says why not.
export async function v1(path, body, method = body ? "POST" : "GET") {
  return answered(`v1/${path}`, body, method);
}

export async function answered(path, body, method = "POST") {
  const sent = body ? { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
  const answer = await fetch(`/simulator/${path}`, { method, ...sent });
  const given = await answer.json();
  if (!answer.ok) throw new Error(typeof given.error === "string" ? given.error : given.error?.message ?? `answered ${answer.status}`);
  return given;
}

// Gives null, or the sentence that says why it was refused.
export async function post(path, body = {}) {
  const answer = await fetch(`/simulator/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.ok) return null;
  const { error } = await answer.json();
  return typeof error === "string" ? error : error.message;
}

export async function upload(file) {
  const answer = await fetch(`/simulator/files?name=${encodeURIComponent(file.name)}`, {
    method: "POST",
    headers: { "Content-Type": file.type || "application/octet-stream" },
    body: file,
  });
  return (await answer.json()).url;
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
  new EventSource("/simulator/events").addEventListener("change", run);
}

// A line of the wire as a command for a shell. Secrets are not in the journal: variables stand in their place.

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export function curlOf(entry, app) {
  return entry.kind === "webhook" ? webhook(entry, app) : call(entry);
}

function webhook(entry, app) {
  return [
    `body=${quoted(JSON.stringify(entry.body))}`,
    'signature=$(printf %s "$body" | openssl dgst -sha256 -hmac "$APP_SECRET" -r | cut -d" " -f1)',
    `curl -sS ${app?.callback ? quoted(app.callback) : '"$CALLBACK"'} -H 'Content-Type: application/json' \\`,
    '  -H "X-Hub-Signature-256: sha256=$signature" --data-binary "$body"',
  ].join("\n");
}

const HIDDEN = "…";
const open = (given) => Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== HIDDEN));

function call(entry) {
  const query = new URLSearchParams(Object.entries(open(entry.query)).map(([key, value]) => [key, String(value)])).toString();
  const lines = [`curl -sS -X ${entry.method} ${quoted(location.origin + entry.path + (query ? `?${query}` : ""))}`, '  -H "Authorization: Bearer $PAGE_ACCESS_TOKEN"'];
  const body = open(entry.body);
  if (Object.keys(body).length) lines.push(`  -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}`);
  return lines.join(" \\\n");
}

// Browsers give the clipboard to this machine and to HTTPS alone; elsewhere the text is shown, to be copied by hand.
export async function copy(text, beside) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const shown = beside.querySelector("textarea") ?? beside.appendChild(document.createElement("textarea"));
    shown.value = text;
    shown.readOnly = true;
    shown.setAttribute("aria-label", "To copy");
    shown.focus();
    shown.select();
    return false;
  }
}

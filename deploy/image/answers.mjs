// A health check for images that have neither a shell nor curl: node answers.mjs http://127.0.0.1:9101/healthz
// Exit code 0 for an answer of 2xx; what was said otherwise ends up in `docker inspect`.
const response = await fetch(process.argv[2], { signal: AbortSignal.timeout(8_000) }).catch((error) => error);
if (response.ok !== true) {
  console.error(response instanceof Error ? String(response.cause ?? response) : await response.text());
  process.exitCode = 1;
}

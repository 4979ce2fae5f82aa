// A health check for images that have neither a shell nor curl: node answers.mjs http://127.0.0.1:9101/healthz
// Exit code 0 for an answer of 2xx; what was said otherwise ends up in `docker inspect`.
try {
  const response = await fetch(process.argv[2], { signal: AbortSignal.timeout(8_000) });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
} catch (error) {
  process.stderr.write(`${error.cause?.message || error.cause?.code || error.message}\n`);
  process.exitCode = 1;
}

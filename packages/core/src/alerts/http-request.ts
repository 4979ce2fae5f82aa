import type { SendOutcome } from "./channel.ts";

const CALL_MS_MAX = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024;

/**
 * One HTTP call to a receiver. What went wrong is said in our words: the address may itself be the secret, and axios puts
 * it into everything that it throws. Redirects are not followed, for the same reason.
 * @param explain what a receiver says in the body of a refusal, where its form is known
 */
export async function ask(
  request: {
    readonly method: "GET" | "POST";
    readonly url: string;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly deadlineMs?: number;
  },
  explain: (body: unknown) => string | undefined = () => undefined,
): Promise<SendOutcome> {
  const { deadlineMs = CALL_MS_MAX } = request;
  // Every process reads the table of settings, and so the channels. Few of them send: the library is loaded by those alone.
  const { default: axios, AxiosError } = await import("axios");
  try {
    const answer = await axios.request<unknown>({
      method: request.method,
      url: request.url,
      data: request.body,
      headers: { "content-type": "application/json", "user-agent": "stakebts", ...request.headers },
      timeout: deadlineMs,
      signal: AbortSignal.timeout(deadlineMs),
      maxRedirects: 0,
      maxContentLength: ANSWER_BYTES_MAX,
      validateStatus: () => true,
    });
    if (answer.status >= 200 && answer.status < 300) return { ok: true };
    const said = explain(answer.data);
    return { ok: false, problem: `answered ${answer.status}${said === undefined ? "" : `: ${said}`}` };
  } catch (error) {
    if (!(error instanceof AxiosError)) throw error;
    const late = error.code === "ECONNABORTED" || error.code === "ERR_CANCELED" || error.code === "ETIMEDOUT";
    return {
      ok: false,
      problem: late
        ? `no answer within ${deadlineMs / 1000} s`
        : `cannot be reached (${error.code ?? "error"})`,
    };
  }
}

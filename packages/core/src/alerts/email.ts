import { createTransport } from "nodemailer";
import type { NotificationChannel } from "./notification.ts";
import { answersWithin } from "../runtime/answers-within.ts";

const STEP_MS_MAX = 10_000;
/** A server that answers each step at the last moment would keep a sender for minutes. */
const SEND_MS_MAX = 30_000;

/**
 * E-mail by SMTP.
 * @param url `smtps://user:password@host`, or `smtp://…` with STARTTLS where the server has it
 * @param to one address, or several with commas
 */
export function createEmail({
  url,
  from,
  to,
}: {
  url: string;
  from: string;
  to: string;
}): NotificationChannel {
  const transport = createTransport({
    url,
    connectionTimeout: STEP_MS_MAX,
    greetingTimeout: STEP_MS_MAX,
    socketTimeout: STEP_MS_MAX,
    // A message is text. It shall never be the contents of a file or an address, whatever stands in it.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    name: "email",
    async send({ id, title, text }) {
      try {
        const sent = transport.sendMail({
          from,
          to,
          subject: title,
          text: `${text}\n`,
          messageId: `<${id}@stakebts>`,
          headers: { "Auto-Submitted": "auto-generated" },
        });
        return (await answersWithin(sent, SEND_MS_MAX))
          ? { ok: true }
          : { ok: false, problem: `not sent within ${SEND_MS_MAX / 1000} s` };
      } catch (error) {
        // The server's own words may repeat what it was sent; its number says enough.
        const { code, responseCode } = error as { code?: string; responseCode?: number };
        return {
          ok: false,
          problem:
            responseCode === undefined
              ? `cannot be sent (${code ?? "error"})`
              : `the mail server answered ${responseCode} (${code ?? "error"})`,
        };
      }
    },
  };
}

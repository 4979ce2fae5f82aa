import type { Transporter } from "nodemailer";
import * as z from "zod";
import { answersWithin } from "../../runtime/answers-within.ts";
import { defineChannel } from "../channel.ts";

const STEP_MS_MAX = 10_000;
/** A server that answers each step at the last moment would keep a sender for minutes. */
const SEND_MS_MAX = 30_000;

/** E-mail by SMTP. */
export const EMAIL = defineChannel({
  name: "email",
  settings: {
    STAKEBTS_NOTIFY_SMTP_URL: {
      schema: z
        .string()
        .regex(/^smtps?:\/\/\S+$/u, "expected smtps://user:password@host or smtp://host:port"),
      secret: true,
      sentence:
        "The mail server: `smtps://user:password@host`, or `smtp://host:587` with STARTTLS where the server has it",
      example: "smtps://user:…@mail.example.org",
    },
    STAKEBTS_NOTIFY_SMTP_FROM: {
      schema: z
        .string()
        .regex(/^[^\r\n]{1,300}$/u, "expected an address such as StakeBTS <stakebts@example.org>"),
      secret: false,
      sentence: "The sender of the e-mail",
      example: "StakeBTS <stakebts@example.org>",
    },
    STAKEBTS_NOTIFY_SMTP_TO: {
      schema: z.string().regex(/^[^\r\n]{1,300}$/u, "expected addresses with commas between them"),
      secret: false,
      sentence: "The receivers of the e-mail, commas between them",
      example: "operator@example.org",
    },
  },
  open: ({ STAKEBTS_NOTIFY_SMTP_URL: url, STAKEBTS_NOTIFY_SMTP_FROM: from, STAKEBTS_NOTIFY_SMTP_TO: to }) => {
    let transport: Transporter | undefined;
    return async ({ id, title, text }) => {
      transport ??= await openTransport(url);
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
    };
  },
});

async function openTransport(url: string): Promise<Transporter> {
  // Every process reads the table of settings, and so this file. Few of them send mail: the library is loaded by those alone.
  const { createTransport } = await import("nodemailer");
  return createTransport({
    url,
    connectionTimeout: STEP_MS_MAX,
    greetingTimeout: STEP_MS_MAX,
    socketTimeout: STEP_MS_MAX,
    // A message is text. No text in it may be read as a file or an address.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { shares } from "@stakebts/kernel/amount";
import { clientWithdrawalId, type Exchange, ExchangeError } from "@stakebts/core/treasury/exchange";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { createBittrexExchange } from "@stakebts/core/treasury/exchange/bittrex";
import { createCcxtExchange } from "@stakebts/core/treasury/exchange/ccxt";
import { VenueBook } from "@stakebts/core/treasury/exchange/fixtures/ccxt-book";
import { gate, htx, KEY, mexc, SECRET } from "@stakebts/core/treasury/exchange/fixtures/ccxt-dialects";
import { Prng } from "@stakebts/testkit/simulator/prng";
import { jsonOf, mutateText, mutateTree } from "../mutate.ts";
import { silent } from "../silent.ts";
import { type Input, rule, RuleBroken, type Target } from "../target.ts";

const DIALECTS = { htx, mexc, gate } as const;
const VENUES = ["bittrex", "bittrex", "htx", "mexc", "gate"] as const;
const CALLS = ["funds", "find", "withdraw"] as const;
/** One for each input: the adapters remember what they have sent. */
const clientIdOf = ({ change }: ExchangeInput) =>
  clientWithdrawalId(`${change.toString(16).padStart(8, "0").slice(0, 8)}-bbbb-4ccc-8ddd-eeeeeeeeeeee`);

const STATUSES = [200, 201, 204, 206, 301, 307, 304, 400, 401, 403, 404, 409, 429, 500, 502, 503, 599, 999];
const HEADERS: readonly (readonly [string, string])[] = [
  ["content-encoding", "gzip"],
  ["content-encoding", "br"],
  ["content-type", "text/html; charset=utf-16"],
  ["location", "http://127.0.0.1:1/"],
  ["set-cookie", `a=${"b".repeat(4_000)}`],
  ["transfer-encoding", "chunked"],
  ["content-length", "1"],
  ["retry-after", "-1"],
  ["x-nothing", "y".repeat(12_000)],
];

/** The `nth` answer of one call is changed, as `change` has it; the others are honest. */
type ExchangeInput = {
  readonly venue: (typeof VENUES)[number];
  readonly call: (typeof CALLS)[number];
  readonly nth: number;
  readonly change: number;
  readonly how: "tree" | "text" | "none";
  readonly status: number | null;
  readonly header: number | null;
};

const echoOf = (input: ExchangeInput) => ({
  id: "11111111-2222-4333-8444-555555555555",
  currencySymbol: "BTS",
  quantity: "20005.00000000",
  cryptoAddress: "custodian",
  cryptoAddressTag: "loan",
  txCost: "5.00000000",
  status: "REQUESTED",
  clientWithdrawalId: clientIdOf(input),
});

function bittrexAnswer(
  { method, path }: { readonly method: string; readonly path: string },
  input: ExchangeInput,
): { status: number; body: unknown } {
  const echo = echoOf(input);
  if (path === "/ping") return { status: 200, body: { serverTime: 1_800_000_000_000 } };
  if (path === "/currencies/BTS")
    return { status: 200, body: { symbol: "BTS", status: "ONLINE", txFee: "5.00000000" } };
  if (path === "/balances/BTS") return { status: 200, body: { available: "100000.00001999" } };
  if (method === "POST") return { status: 201, body: echo };
  return { status: 200, body: path === "/withdrawals/open" ? [echo] : [] };
}

interface Conversation {
  readonly input: ExchangeInput;
  readonly book: VenueBook;
  questions: number;
  /** The order has reached the venue, and it says that it took it. */
  taken: boolean;
  said: string;
  /** What it was asked that no venue understands. */
  nonsense: string | undefined;
}

export const exchange: Target = {
  name: "exchange",
  about:
    "an exchange's answers over HTTP: status, headers, body; a withdrawal that was taken is never called refused",
  weight: 1,
  answers: 4,
  async open() {
    let now: Conversation | undefined;
    const server = createServer({ keepAlive: false }, (asked, response) => void answer(asked, response));

    async function answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
      const parts: Buffer[] = [];
      for await (const part of asked) parts.push(part as Buffer);
      if (now === undefined) return void response.destroy();
      const { input } = now;
      const { pathname, search, searchParams } = new URL(asked.url ?? "/", "http://venue");
      const method = asked.method ?? "";
      const dialect = input.venue === "bittrex" ? undefined : DIALECTS[input.venue];
      const seen = {
        method,
        path: pathname.slice((dialect?.basePath ?? "/v3").length),
        rawQuery: search.slice(1),
        query: Object.fromEntries(searchParams),
        headers: asked.headers,
        body: Buffer.concat(parts).toString("utf8"),
      };
      let honest;
      try {
        honest =
          dialect === undefined
            ? bittrexAnswer(seen, input)
            : (dialect.answer(seen, now.book) ?? { status: 404, body: "" });
      } catch (error) {
        // The venue in the fixture takes amounts as venues do: plain decimals and no more digits than the chain has.
        now.nonsense = `${method} ${seen.path} ${seen.body}: ${String(error)}`;
        honest = { status: 400, body: "" };
      }
      const isOrder = dialect === undefined ? method === "POST" : dialect.isWithdrawal(seen);
      const isChanged = now.questions++ === input.nth;
      const text = isChanged ? changed(honest.body, input) : jsonOf(honest.body as Input);
      const status = (isChanged ? input.status : null) ?? honest.status;
      now.said = `${status} ${text}`;
      // What is not 2xx, or talks of errors and codes, may well be a refusal.
      if (isOrder && status >= 200 && status < 300 && !/err|code|label/iu.test(text)) now.taken = true;
      const [name, value] = HEADERS[isChanged ? (input.header ?? -1) : -1] ?? [
        "content-type",
        "application/json",
      ];
      response.on("error", () => {}); // a length that does not fit
      try {
        response.writeHead(status, { [name]: value }).end(text);
      } catch {
        asked.socket.destroy(); // Node itself does not say such a thing
      }
    }

    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const clock = new ManualClock(1_800_000_000_000);
    const common = { callDeadlineMs: 2_000, log: silent, clock };
    const bittrex = (): Exchange =>
      createBittrexExchange({
        ...common,
        key: KEY,
        secret: SECRET,
        url: `${url}/v3`,
        callsPerMinute: 100_000,
      });
    const ccxt = async (venue: keyof typeof DIALECTS): Promise<Exchange> =>
      createCcxtExchange({
        ...common,
        venue,
        apiKey: KEY,
        secret: SECRET,
        url: `${url}${DIALECTS[venue].basePath}`,
        callGapMs: 1,
      });

    const clients = { htx: await ccxt("htx"), mexc: await ccxt("mexc"), gate: await ccxt("gate") };

    async function converse(input: ExchangeInput): Promise<string> {
      const { venue, call } = input;
      const client = venue === "bittrex" ? bittrex() : clients[venue];
      const clientId = clientIdOf(input);
      const request = {
        clientId,
        amountShares: shares(2_000_000_000n),
        toAccount: "custodian",
        memo: "loan",
      };
      try {
        if (call === "funds") {
          const funds = await client.funds();
          rule(funds.withdrawableShares >= 0n && funds.feeShares >= 0n, "funds of less than nothing");
          rule(funds.minimumShares > 0n, "a least amount of nothing");
          return "";
        }
        const told = call === "find" ? await client.find(clientId) : await client.withdraw(request);
        if (call === "withdraw" && now?.taken === true)
          rule(told.type !== "refused", "an order that was taken is called refused, and would be made again");
        return JSON.stringify(told, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
      } catch (error) {
        // The questions may fail so. An order may not: its outcome is a value.
        if (!(error instanceof ExchangeError) || call !== "funds") throw error;
        return error.message;
      }
    }

    return {
      input(random): ExchangeInput {
        return {
          venue: random.pick(VENUES),
          call: random.pick(CALLS),
          nth: random.int(0, 3),
          change: random.int(0, 2 ** 31),
          how: random.pick(["tree", "tree", "tree", "text", "none"]),
          status: random.chance(0.25) ? random.pick(STATUSES) : null,
          header: random.chance(0.1) ? random.int(0, HEADERS.length - 1) : null,
        };
      },
      async run(input) {
        now = {
          input: input as ExchangeInput,
          book: new VenueBook(),
          questions: 0,
          taken: false,
          said: "",
          nonsense: undefined,
        };
        clock.advance(3_600_000); // who was told to wait has waited
        let told: string;
        try {
          told = await converse(now.input);
        } catch (error) {
          if (error instanceof Error) error.message += `; the last answer was ${now.said.slice(0, 300)}`;
          throw error;
        }
        rule(now.nonsense === undefined, `the venue was asked nonsense: ${now.nonsense}`);
        if (told.includes(SECRET) || told.includes(KEY)) throw new RuleBroken("it has told a secret");
        rule(!/\\u0000|\\ud[89a-f]/iu.test(told), "text that no database keeps");
      },
      close: () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    };
  },
};

function changed(body: unknown, { how, change }: ExchangeInput): string {
  const random = new Prng(change);
  const honest = body as Input;
  if (how === "tree") return jsonOf(mutateTree(random, honest, ["5.00000000", "BTS"]));
  const text = jsonOf(honest);
  return how === "text" ? mutateText(random, text, ["null", "[]", "<html>", '"data":']) : text;
}

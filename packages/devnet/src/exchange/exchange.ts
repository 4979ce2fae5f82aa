import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { accountFromSeeds } from "../default-accounts.ts";
import type { DevnetAccount } from "../devnet.ts";
import { authenticate } from "./authentication.ts";
import { Book, type ExchangeAccountOptions, isOpen, type VenueStatus, type VenueWithdrawal } from "./book.ts";
import { endpointFor, PUBLIC_ENDPOINTS, SIGNED_ENDPOINTS, type Venue, type VenueReply } from "./endpoints.ts";
import { type Delay, type DevnetExchangeFaults, ExchangeFaultSwitches } from "./faults.ts";
import { HotAccount } from "./hot-account.ts";
import { UNITS_PER_SHARE } from "./units.ts";
import { VenueError } from "./venue-error.ts";

export interface ExchangeOptions {
  /** `ws://…` of a node of the chain that it pays out on. */
  readonly nodeUrl: string;
  readonly accounts: readonly ExchangeAccountOptions[];
  /** Its account on the chain, with its keys. Default: `bittrex-deposit` with the keys of its seeds. */
  readonly hotAccount?: DevnetAccount;
  /** Default 5 BTS. */
  readonly feeShares?: bigint;
  /** Between one status of a withdrawal and the next; "manual": only advance() moves them. Default 500. */
  readonly stepMs?: number | "manual";
  /** Per key, counted anew with every minute. Default 60. */
  readonly callsPerMinute?: number;
  /** How far a request's timestamp may be from this host's time. Default 30 000. */
  readonly timestampToleranceMs?: number;
  /** How long a client's id for a withdrawal is known again. Default 24 h. */
  readonly clientIdsRememberedMs?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Default "BTS". */
  readonly addressPrefix?: string;
}

/** A withdrawal as the exchange has it. */
export interface ExchangeWithdrawalView {
  readonly id: string;
  readonly clientWithdrawalId: string | undefined;
  /** What was taken from the account: what arrives and the fee. */
  readonly quantityShares: bigint;
  readonly to: string;
  readonly memo: string | undefined;
  readonly status: VenueStatus;
  readonly txid: string | undefined;
}

export interface DevnetExchange {
  /** `http://…/v3` */
  readonly url: string;
  readonly faults: DevnetExchangeFaults;
  /** Every open withdrawal goes one status further, if it can: the last step waits for an irreversible block. */
  advance(): Promise<void>;
  /** In shares, rounded down. */
  balance(key: string): { readonly totalShares: bigint; readonly availableShares: bigint };
  /** Of all accounts, oldest first. */
  withdrawals(): readonly ExchangeWithdrawalView[];
  /** Deposits whose memo is no account's: they stay in the hot account. */
  readonly unmatchedDeposits: readonly { readonly memo: string; readonly amountShares: bigint }[];
  /** Requests that a fault delays at present. */
  readonly delayed: number;
  setFee(feeShares: bigint): void;
  stop(): Promise<void>;
}

const PATH = "/v3";
const BODY_BYTES_MAX = 64 * 1024;
const MINUTE_MS = 60_000;

/** Starts a Bittrex v3 exchange in this process. Rejects if the port is taken or the chain does not know its account. */
export async function startExchange(options: ExchangeOptions): Promise<DevnetExchange> {
  const {
    nodeUrl,
    hotAccount = accountFromSeeds("bittrex-deposit", { balanceBts: 0n }),
    stepMs = 500,
    callsPerMinute = 60,
    timestampToleranceMs: toleranceMs = 30_000,
    host = "127.0.0.1",
  } = options;
  const book = new Book({
    accounts: options.accounts,
    feeShares: options.feeShares ?? 500_000n,
    clientIdsRememberedMs: options.clientIdsRememberedMs ?? 24 * 60 * MINUTE_MS,
  });
  const unmatchedDeposits: { memo: string; amountShares: bigint }[] = [];
  const hot = new HotAccount({
    account: hotAccount,
    nodeUrl,
    addressPrefix: options.addressPrefix ?? "BTS",
    onArrival: ({ memo, amountShares, txid }) => {
      if (!book.deposit({ memo, amountShares, txid })) unmatchedDeposits.push({ memo, amountShares });
    },
  });
  const venue: Venue = { book, hotAccount: hotAccount.name };
  const switches = new ExchangeFaultSwitches();
  const counted = { minute: 0, calls: new Map<string, number>() };
  const sockets = new Set<Socket>();

  function countCall(caller: string): void {
    const minute = Math.floor(Date.now() / MINUTE_MS);
    if (minute !== counted.minute) Object.assign(counted, { minute, calls: new Map() });
    const calls = (counted.calls.get(caller) ?? 0) + 1;
    counted.calls.set(caller, calls);
    if (calls > callsPerMinute) throw new VenueError(429, "THROTTLED");
  }

  function answer(request: IncomingMessage, body: Buffer): VenueReply {
    const { method = "", url = "", headers } = request;
    const { pathname, searchParams: query } = new URL(url, "http://exchange");
    if (!pathname.startsWith(`${PATH}/`)) throw new VenueError(404, "NOT_FOUND");
    const path = pathname.slice(PATH.length);
    const open = endpointFor(PUBLIC_ENDPOINTS, method, path);
    countCall(open === undefined ? String(headers["api-key"]) : "everybody");
    if (open !== undefined) return open.endpoint(venue, { name: open.name });
    const uri = `http://${headers.host}${url}`;
    const nowMs = Date.now();
    const account = authenticate({ method, uri, headers, body }, book.accounts, { toleranceMs, nowMs });
    const found = endpointFor(SIGNED_ENDPOINTS, method, path);
    if (found === undefined) throw new VenueError(404, "NOT_FOUND");
    return found.endpoint(venue, { account, query, name: found.name, body: parsed(body) });
  }

  let delayed = 0;
  async function passing({ ms, withdrawalsOnly }: Delay, isWithdrawal: boolean): Promise<void> {
    if (ms === 0 || (withdrawalsOnly && !isWithdrawal)) return;
    delayed++;
    await delay(ms, undefined, { ref: false });
    delayed--;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await received(request);
    if (switches.frozen) return;
    if (switches.takeOne("dropRequests")) return void request.socket.destroy();
    const isWithdrawal = request.method === "POST" && request.url === `${PATH}/withdrawals`;
    const canned = switches.takeAnswer(isWithdrawal);
    if (canned !== undefined) return send(response, canned.status, canned.code && { code: canned.code });
    await passing(switches.requestDelay, isWithdrawal);
    try {
      const reply = answer(request, body);
      if (isWithdrawal && switches.takeOne("dropAnswers")) return void request.socket.destroy();
      if (isWithdrawal && switches.takeOne("failAnswers")) return send(response, 503, undefined);
      await passing(switches.answerDelay, isWithdrawal);
      const { status = 200, sequence } = reply;
      if (sequence !== undefined) response.setHeader("Sequence", sequence);
      send(response, status, switches.mutate?.(request.url ?? "", reply.body) ?? reply.body);
    } catch (error) {
      if (!(error instanceof VenueError)) throw error;
      send(response, error.status, {
        code: error.code,
        ...(error.data === undefined ? {} : { data: error.data }),
      });
    }
  }

  async function step(withdrawal: VenueWithdrawal): Promise<void> {
    const { cryptoAddress: to, cryptoAddressTag: memo, quantityUnits, feeUnits } = withdrawal;
    switch (withdrawal.status) {
      case "REQUESTED":
        withdrawal.status = (await hot.exists(to)) ? "AUTHORIZED" : "ERROR_INVALID_ADDRESS";
        return;
      case "AUTHORIZED": {
        const amountShares = (quantityUnits - feeUnits) / UNITS_PER_SHARE;
        // From here on it cannot be cancelled: the transfer may be on its way although its sending failed.
        withdrawal.status = "PENDING";
        withdrawal.txid = await hot.pay(withdrawal.id, { to, amountShares, memo });
        return;
      }
      case "PENDING":
        if (hot.isSettled(withdrawal.id)) return book.complete(withdrawal);
        withdrawal.txid = await hot.pay(withdrawal.id, {
          to,
          amountShares: (quantityUnits - feeUnits) / UNITS_PER_SHARE,
          memo,
        });
        return;
      case "COMPLETED":
      case "CANCELLED":
      case "ERROR_INVALID_ADDRESS":
    }
  }

  async function advanceAll(): Promise<void> {
    for (const withdrawal of book.withdrawals.filter(isOpen)) {
      if (switches.holding) return;
      await step(withdrawal).catch(() => undefined); // the chain is away or refuses: again at the next step
    }
  }
  let advancing = Promise.resolve();
  const advance = (): Promise<void> => (advancing = advancing.then(advanceAll));

  const server = createServer((request, response) => {
    serve(request, response).catch(() => request.socket.destroy());
  });
  server.on("connection", (socket: Socket) => {
    if (switches.refusing) return void socket.destroy();
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  try {
    await hot.start();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(options.port ?? 0, host, resolve);
    });
  } catch (error) {
    await hot.stop();
    throw error;
  }
  const timer = stepMs === "manual" ? undefined : setInterval(() => void advance(), stepMs);
  const disconnectAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  let stopping: Promise<void> | undefined;
  const shutDown = async () => {
    clearInterval(timer);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    disconnectAll();
    await Promise.all([closed, hot.stop()]);
    await advancing;
  };
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}${PATH}`,
    faults: faultsOf(switches, { book, disconnectAll }),
    advance,
    balance: (key) => {
      const account = book.accounts.get(key);
      if (account === undefined) throw new RangeError("no account has this key");
      const { totalUnits, availableUnits } = account;
      return {
        totalShares: totalUnits / UNITS_PER_SHARE,
        availableShares: availableUnits / UNITS_PER_SHARE,
      };
    },
    withdrawals: () => book.withdrawals.map(viewOf),
    unmatchedDeposits,
    get delayed() {
      return delayed;
    },
    setFee: (feeShares) => {
      book.feeUnits = feeShares * UNITS_PER_SHARE;
    },
    stop: () => (stopping ??= shutDown()),
  };
}

function faultsOf(
  switches: ExchangeFaultSwitches,
  { book, disconnectAll }: { book: Book; disconnectAll: () => void },
): DevnetExchangeFaults {
  return {
    dropAnswersAfterAccept: (count) => void (switches.dropAnswers = count),
    failAfterAccept: (count) => void (switches.failAnswers = count),
    dropRequests: (count) => void (switches.dropRequests = count),
    delayAnswersMs: (ms, { withdrawalsOnly = false } = {}) =>
      void (switches.answerDelay = { ms, withdrawalsOnly }),
    delayRequestsMs: (ms, { withdrawalsOnly = false } = {}) =>
      void (switches.requestDelay = { ms, withdrawalsOnly }),
    answerNext: ({ status, code, count = 1, withdrawalsOnly = false }) =>
      void switches.canned.push({ status, code, left: count, withdrawalsOnly }),
    closeCurrency: (on) => void (book.online = !on),
    holdWithdrawals: (on) => void (switches.holding = on),
    freeze: (on) => void (switches.frozen = on),
    refuseConnections: (on) => void (switches.refusing = on),
    disconnectAll,
    lie: (mutate) => void (switches.mutate = mutate),
  };
}

const viewOf = (withdrawal: VenueWithdrawal): ExchangeWithdrawalView => ({
  id: withdrawal.id,
  clientWithdrawalId: withdrawal.clientWithdrawalId,
  quantityShares: withdrawal.quantityUnits / UNITS_PER_SHARE,
  to: withdrawal.cryptoAddress,
  memo: withdrawal.cryptoAddressTag,
  status: withdrawal.status,
  txid: withdrawal.txid,
});

async function received(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    parts.push(part as Buffer);
    size += (part as Buffer).length;
    if (size > BODY_BYTES_MAX) throw new RangeError("a request larger than any that makes sense");
  }
  return Buffer.concat(parts);
}

function parsed(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString("utf8")) as unknown;
  } catch {
    throw new VenueError(400, "BAD_REQUEST");
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (body === undefined || body === "") {
    // As a gateway in front of the venue answers, or to HEAD.
    response.writeHead(status, { "content-type": "text/html" }).end(status < 400 ? "" : "<html></html>");
    return;
  }
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

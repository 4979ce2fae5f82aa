import { type Book, isOpen, type VenueAccount, type VenueWithdrawal } from "./book.ts";
import { pageOf } from "./paging.ts";
import { addressShape, balanceShape, currencyShape, depositShape, withdrawalShape } from "./shapes.ts";
import { unitsFrom } from "./units.ts";
import { badParameter, VenueError } from "./venue-error.ts";

export interface Venue {
  readonly book: Book;
  readonly hotAccount: string;
}

export interface VenueRequest {
  /** Who signed it. */
  readonly account: VenueAccount;
  readonly query: URLSearchParams;
  /** The last part of the path, where the pattern has a `*`. */
  readonly name: string;
  readonly body: unknown;
}

export interface VenueReply {
  /** Default 200. */
  readonly status?: number;
  readonly body?: unknown;
  readonly sequence?: number;
}

type SignedEndpoint = (venue: Venue, request: VenueRequest) => VenueReply;
type PublicEndpoint = (venue: Venue, request: { readonly name: string }) => VenueReply;

const CURRENCY = "BTS";
const OPEN_LIST_MAX = 1_000;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu;

const notFound = (): VenueError => new VenueError(404, "NOT_FOUND");

function onlyBts(symbol: string): void {
  if (symbol.toUpperCase() !== CURRENCY) throw new VenueError(404, "CURRENCY_DOES_NOT_EXIST");
}

const wanted = (query: URLSearchParams) => (item: { readonly status?: string }) =>
  (query.get("status") ?? item.status) === item.status &&
  (query.get("currencySymbol") ?? CURRENCY).toUpperCase() === CURRENCY;

const ofAccount =
  ({ account }: VenueRequest) =>
  (item: { readonly accountId: string }) =>
    item.accountId === account.id;

function withdrawalNamed({ book }: Venue, request: VenueRequest): VenueWithdrawal {
  if (!UUID.test(request.name)) throw new VenueError(400, "UUID_INVALID");
  const found = book.withdrawals
    .filter(ofAccount(request))
    .find(({ id }) => id === request.name.toLowerCase());
  if (found === undefined) throw notFound();
  return found;
}

function orderFrom(body: unknown) {
  if (typeof body !== "object" || body === null) throw badParameter("body");
  const fields = body as Record<string, unknown>;
  const text = (name: string): string | undefined => {
    const value = fields[name] ?? undefined;
    if (value !== undefined && typeof value !== "string") throw badParameter(name);
    return value;
  };
  const quantityUnits = unitsFrom(fields["quantity"]);
  if (quantityUnits === undefined) throw badParameter("quantity");
  const [currencySymbol, cryptoAddress] = [text("currencySymbol"), text("cryptoAddress")];
  if (currencySymbol === undefined) throw badParameter("currencySymbol");
  if (cryptoAddress === undefined) throw badParameter("cryptoAddress");
  onlyBts(currencySymbol);
  const clientWithdrawalId = text("clientWithdrawalId")?.toLowerCase();
  if (clientWithdrawalId !== undefined && !UUID.test(clientWithdrawalId))
    throw new VenueError(400, "UUID_INVALID");
  return { quantityUnits, cryptoAddress, cryptoAddressTag: text("cryptoAddressTag"), clientWithdrawalId };
}

const currencyOf = ({ book, hotAccount }: Venue) =>
  currencyShape({ online: book.online, feeUnits: book.feeUnits, hotAccount });

/** Answered to everybody. */
export const PUBLIC_ENDPOINTS: Readonly<Record<string, PublicEndpoint>> = {
  // Rounded down to the second, as the venue does.
  "GET /ping": () => ({ body: { serverTime: Math.floor(Date.now() / 1000) * 1000 } }),
  "GET /currencies": (venue) => ({ body: [currencyOf(venue)] }),
  "GET /currencies/*": (venue, { name }) => {
    onlyBts(name);
    return { body: currencyOf(venue) };
  },
};

/** Answered to every caller that signs. `*` is one part of a path; named paths come first. */
export const SIGNED_ENDPOINTS: Readonly<Record<string, SignedEndpoint>> = {
  "GET /account": (_, { account }) => ({ body: { accountId: account.id, actionsNeeded: [] } }),
  "GET /account/permissions/currencies/*": (_, { name, account }) => {
    onlyBts(name);
    const permissions = {
      view: true,
      deposit: { blockchain: true },
      withdraw: { blockchain: account.mayWithdraw },
    };
    return { body: [{ symbol: CURRENCY, ...permissions }] };
  },
  "GET /balances": (_, { account }) => ({ body: [balanceShape(account)] }),
  "HEAD /balances": (_, { account }) => ({ sequence: account.updatedAtMs }),
  "GET /balances/*": (_, { name, account }) => {
    onlyBts(name);
    return { body: balanceShape(account) };
  },
  "GET /addresses": ({ hotAccount }, { account }) => ({ body: [addressShape(account, hotAccount)] }),
  "POST /addresses": ({ hotAccount }, { account, body }) => {
    onlyBts(String((body as { currencySymbol?: unknown } | undefined)?.currencySymbol));
    return { status: 201, body: addressShape(account, hotAccount) };
  },
  "GET /addresses/*": ({ hotAccount }, { name, account }) => {
    onlyBts(name);
    return { body: addressShape(account, hotAccount) };
  },
  "POST /withdrawals": ({ book }, { account, body }) => {
    if (!account.mayWithdraw) throw new VenueError(403, "INVALID_PERMISSION");
    return { status: 201, body: withdrawalShape(book.order(account, orderFrom(body))) };
  },
  "GET /withdrawals/open": ({ book }, request) => ({
    body: book.withdrawals
      .filter(ofAccount(request))
      .filter(isOpen)
      .filter(wanted(request.query))
      .toReversed()
      .slice(0, OPEN_LIST_MAX)
      .map(withdrawalShape),
  }),
  "GET /withdrawals/closed": ({ book }, request) => ({
    body: pageOf(
      book.closed.filter(ofAccount(request)).filter(wanted(request.query)).toReversed(),
      request.query,
    ).map(withdrawalShape),
  }),
  "GET /withdrawals/allowed-addresses": (_, { account }) => ({
    body: (account.allowedAddresses ?? []).map((cryptoAddress) => ({
      currencySymbol: CURRENCY,
      createdAt: new Date(0).toISOString(),
      status: "ACTIVE",
      activeAt: new Date(0).toISOString(),
      cryptoAddress,
    })),
  }),
  "GET /withdrawals/ByTxId/*": ({ book }, request) => ({
    body: book.withdrawals
      .filter(ofAccount(request))
      .filter(({ txid }) => txid === request.name)
      .map(withdrawalShape),
  }),
  "GET /withdrawals/*": (venue, request) => ({ body: withdrawalShape(withdrawalNamed(venue, request)) }),
  "DELETE /withdrawals/*": (venue, request) => {
    const withdrawal = withdrawalNamed(venue, request);
    venue.book.cancel(withdrawal);
    return { body: withdrawalShape(withdrawal) };
  },
  // A deposit is credited when its block is irreversible, so there is never an open one.
  "GET /deposits/open": () => ({ body: [] }),
  "GET /deposits/closed": ({ book, hotAccount }, request) => ({
    body: pageOf(book.deposits.filter(ofAccount(request)).toReversed(), request.query).map((deposit) =>
      depositShape(deposit, hotAccount),
    ),
  }),
  "GET /deposits/ByTxId/*": ({ book, hotAccount }, request) => ({
    body: book.deposits
      .filter(ofAccount(request))
      .filter(({ txid }) => txid === request.name)
      .map((deposit) => depositShape(deposit, hotAccount)),
  }),
  "GET /deposits/*": ({ book, hotAccount }, request) => {
    const deposit = book.deposits.filter(ofAccount(request)).find(({ id }) => id === request.name);
    if (deposit === undefined) throw notFound();
    return { body: depositShape(deposit, hotAccount) };
  },
};

/** The endpoint of a path below `/v3`, and what stands in the place of its `*`. */
export function endpointFor<Endpoint>(
  endpoints: Readonly<Record<string, Endpoint>>,
  method: string,
  path: string,
): { readonly endpoint: Endpoint; readonly name: string } | undefined {
  const exact = Object.hasOwn(endpoints, `${method} ${path}`) ? endpoints[`${method} ${path}`] : undefined;
  if (exact !== undefined) return { endpoint: exact, name: "" };
  const cut = path.lastIndexOf("/");
  const pattern = `${method} ${path.slice(0, cut)}/*`;
  const endpoint = Object.hasOwn(endpoints, pattern) ? endpoints[pattern] : undefined;
  return endpoint === undefined ? undefined : { endpoint, name: decodeURIComponent(path.slice(cut + 1)) };
}

import { Hono } from "hono";
import type { TransferLine, TransferSearch } from "@stakebts/core/operators/browse/transfers";
import type { TransactionStory } from "@stakebts/core/operators/browse/transactions";
import { column } from "@stakebts/core/operators/columns";
import { pathTo } from "@stakebts/core/operators/console-paths";
import { payoutTone } from "@stakebts/core/operators/lists";
import { TRANSFER_OUTCOMES } from "@stakebts/core/rules/decide";
import { CORE_ASSET_ID } from "@stakebts/core/rules/transfer";
import { operationPosition } from "@stakebts/kernel/operation-id";
import { plainText } from "@stakebts/kernel/plain-text";
import { NOTHING, numberText } from "@stakebts/kernel/text";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { dayEndIn, dayIn, frameOf, LINES, oneIn, textIn, urlOf, windowIn } from "../page.ts";
import { FilterForm } from "../view/form.tsx";
import { consolePage } from "../view/layout.tsx";
import { noSuchPage } from "./not-found.tsx";
import { ReceiptTable } from "./receipts.tsx";
import {
  cell,
  countedText,
  Empty,
  Pager,
  PageTitle,
  Section,
  Table,
  type ViewColumn,
} from "../view/table.tsx";
import {
  Account,
  Banner,
  Block,
  CopyButton,
  Facts,
  Id,
  Operation,
  Payout,
  SharesText,
  Status,
  Time,
  Transaction,
} from "../view/values.tsx";

const STATUSES = ["unread", "undecided", "decided"] as const;
const MEMOS = ["none", "text", "public", "unreadable"] as const;
const DIRECTIONS = ["in", "out"] as const;

const amountOf = ({ amount, assetId }: TransferLine) =>
  assetId === CORE_ASSET_ID ? (
    <SharesText amount={amount} />
  ) : (
    <>
      {numberText(amount)} of {assetId}
    </>
  );

const TransferStatus = ({ line }: { readonly line: TransferLine }) => {
  if (line.direction === "out") return <span class="hint">paid out</span>;
  if (line.isSetAside) return <Status text="set aside" tone="bad" />;
  if (line.status !== "decided") return <Status text={line.status} tone="notice" />;
  return <Status text={line.outcome ?? "decided"} tone={line.outcome === "kept" ? "notice" : undefined} />;
};

export const transferColumns = (): readonly ViewColumn<TransferLine>[] => [
  cell("Transfer", ({ operation }) => <Operation operation={operation} />, "id"),
  column.time("Block time (UTC)", ({ timeMs }) => timeMs),
  cell("From", ({ sender }) => <Account name={sender} />),
  cell("To", ({ receiver }) => <Account name={receiver} />),
  cell("Amount", amountOf, "number"),
  cell("Outcome", (line) => <TransferStatus line={line} />, "state"),
  cell("Why", ({ direction, reason, payout }) =>
    direction === "in" ? plainText(reason ?? "") : payout === undefined ? "" : <Payout payoutKey={payout} />,
  ),
];

export function transfers(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { browse } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/transfers", async (c) => {
    const direction = textIn(c, "direction") === undefined ? "in" : oneIn(c, "direction", DIRECTIONS);
    const account = textIn(c, "account");
    const search: TransferSearch = {
      direction: account !== undefined && textIn(c, "direction") === undefined ? undefined : direction,
      account,
      status: oneIn(c, "status", STATUSES),
      memoStatus: oneIn(c, "memo", MEMOS),
      outcome: oneIn(c, "outcome", TRANSFER_OUTCOMES),
      setAside: c.req.query("aside") === "yes",
      fromMs: dayIn(c, "from"),
      toMs: dayEndIn(c, "to"),
    };
    const [page, total] = await Promise.all([
      browse.transfers(search, windowIn(c)),
      browse.countTransfers(search),
    ]);
    const any = ["", "any"] as const;
    return c.html(
      consolePage(frameOf(c, deps), {
        title: "Transfers",
        here: "/transfers",
        live: true,
        children: (
          <>
            <PageTitle title="Transfers">{countedText(total, "transfer")}, in irreversible blocks</PageTitle>
            <FilterForm
              action="/transfers"
              fields={[
                { name: "account", label: "Account", value: account },
                {
                  name: "direction",
                  label: "Direction",
                  value: search.direction ?? (account === undefined ? "both" : ""),
                  options: [
                    ["in", "to the custodian"],
                    ["out", "from the custodian"],
                    [account === undefined ? "both" : "", "both"],
                  ],
                },
                {
                  name: "status",
                  label: "Status",
                  value: search.status,
                  options: [any, ...STATUSES.map((one) => [one, one] as const)],
                },
                {
                  name: "outcome",
                  label: "Outcome",
                  value: search.outcome,
                  options: [any, ...TRANSFER_OUTCOMES.map((one) => [one, one.replaceAll("_", " ")] as const)],
                },
                {
                  name: "memo",
                  label: "Memo",
                  value: search.memoStatus,
                  options: [any, ...MEMOS.map((one) => [one, one] as const)],
                },
                {
                  name: "aside",
                  label: "Set aside",
                  value: c.req.query("aside"),
                  options: [any, ["yes", "only those"]],
                },
                { name: "from", label: "From", value: textIn(c, "from"), type: "date" },
                { name: "to", label: "To", value: textIn(c, "to"), type: "date" },
              ]}
            />
            <Section title="List" note="newest first">
              {page.items.length === 0 ? (
                <Empty>No transfer is like this.</Empty>
              ) : (
                <Table caption="Transfers" columns={transferColumns()} lines={page.items} />
              )}
              <Pager page={page} url={urlOf(c)} />
            </Section>
          </>
        ),
      }),
    );
  });
  app.get("/transfers/:operation", async (c) => {
    const operation = c.req.param("operation");
    const at = operationPosition(operation);
    const found = at === undefined ? undefined : await browse.transfer(at);
    if (at === undefined || found === undefined)
      return c.html(noSuchPage(frameOf(c, deps), "transfer", "/transfers"), 404);
    const [agreement, receipts] = await Promise.all([
      browse.agreement(at),
      browse.receipts({ subject: operation }, { limit: LINES }),
    ]);
    const caused = await Promise.all(
      ["confirm", "refund", "stop", "deposit"].map((kind) => browse.findPage(`${kind}:${operation}`)),
    );
    return c.html(
      consolePage(frameOf(c, deps), {
        title: `Transfer ${operation}`,
        here: "/transfers",
        live: true,
        children: (
          <>
            <PageTitle title={<>Transfer {operation}</>}>
              <TransferStatus line={found} />
            </PageTitle>
            {found.isSetAside ? (
              <Banner tone="bad">
                <strong>An operator has set it aside</strong>
                It is not answered until an operator has it answered again.
              </Banner>
            ) : null}
            {c.get("session").role !== "operator" ||
            !(found.isSetAside || found.status === "undecided") ? null : (
              <p>
                <a class="button" href={`/set-aside?event=${encodeURIComponent(operation)}`}>
                  {found.isSetAside ? "Answer it again…" : "Set it aside…"}
                </a>
              </p>
            )}
            <div class="pair">
              <Section title="On the chain">
                <Facts
                  lines={[
                    ["From", <Account name={found.sender} copy />],
                    ["To", <Account name={found.receiver} copy />],
                    ["Amount", amountOf(found)],
                    ["Network fee", <SharesText amount={found.fee} />],
                    ["Block time", <Time ms={found.timeMs} />],
                    ["Block", <Block blockNum={at.blockNum} copy />],
                    ["Transaction", <Transaction txid={found.txid} copy />],
                  ]}
                />
              </Section>
              <Section title="What was made of it">
                <Facts
                  lines={[
                    [
                      "Memo",
                      `${MEMO_TEXT[found.memoStatus]}${found.request === undefined ? "" : `, read as "${found.request}"`}`,
                    ],
                    [
                      "Decision",
                      found.outcome === undefined ? found.status : found.outcome.replaceAll("_", " "),
                    ],
                    ["Why", plainText(found.reason ?? NOTHING)],
                    found.isReplayed
                      ? ["Read", "in a replay: orders of managers were not carried out"]
                      : undefined,
                    [
                      "It caused",
                      <>
                        {agreement === undefined ? null : (
                          <>
                            agreement <Id text={operation} href={pathTo.agreement(operation)} />{" "}
                          </>
                        )}
                        {caused.flatMap((path) =>
                          path === undefined || !path.startsWith("/payouts/")
                            ? []
                            : [
                                <>
                                  <Payout payoutKey={path.slice("/payouts/".length)} />{" "}
                                </>,
                              ],
                        )}
                        {found.payout === undefined || found.direction === "in" ? null : (
                          <>
                            it pays <Payout payoutKey={found.payout} />
                          </>
                        )}
                        {agreement === undefined &&
                        caused.every((path) => path === undefined) &&
                        found.payout === undefined
                          ? "nothing that is owed"
                          : null}
                      </>,
                    ],
                  ]}
                />
              </Section>
            </div>
            <Section title="Receipts">
              <ReceiptTable lines={receipts.items} withSubject={false} />
            </Section>
          </>
        ),
      }),
    );
  });
  app.get("/transactions/:txid", async (c) => {
    const txid = c.req.param("txid").toLowerCase();
    const story = /^[0-9a-f]{40}$/u.test(txid) ? await browse.transaction(txid) : undefined;
    if (story === undefined) return c.html(noSuchPage(frameOf(c, deps), "transaction", "/transfers"), 404);
    return c.html(
      consolePage(frameOf(c, deps), {
        title: "Transaction",
        here: "/transfers",
        live: true,
        children: <TransactionPage txid={txid} story={story} />,
      }),
    );
  });
  app.get("/blocks/:block", async (c) => {
    const text = c.req.param("block");
    const blockNum = /^[1-9]\d{0,8}$/u.test(text) ? Number(text) : undefined;
    if (blockNum === undefined) return c.html(noSuchPage(frameOf(c, deps), "block", "/transfers"), 404);
    const [page, cursor] = await Promise.all([
      browse.transfers({ blockNum }, windowIn(c)),
      deps.ledger.cursor.read(),
    ]);
    const isRead = cursor !== undefined && blockNum <= cursor.blockNum;
    return c.html(
      consolePage(frameOf(c, deps), {
        title: `Block ${blockNum}`,
        here: "/transfers",
        live: true,
        children: (
          <>
            <PageTitle title={<>Block {blockNum}</>}>
              <Block blockNum={blockNum} copy /> {isRead ? "" : "The ledger has not read it yet."}
            </PageTitle>
            <Section title="Transfers in it">
              {page.items.length === 0 ? (
                <Empty>It holds no transfer to or from the custodian that the ledger knows.</Empty>
              ) : (
                <Table caption="Transfers in the block" columns={transferColumns()} lines={page.items} />
              )}
              <Pager page={page} url={urlOf(c)} />
            </Section>
          </>
        ),
      }),
    );
  });
  return app;
}

const MEMO_TEXT: Readonly<Record<TransferLine["memoStatus"], string>> = {
  none: "none",
  text: "decrypted",
  public: "not encrypted",
  unreadable: "cannot be read",
};

const TransactionPage = ({ txid, story }: { readonly txid: string; readonly story: TransactionStory }) => {
  const { attempt, transfers: found, topUp } = story;
  return (
    <>
      <PageTitle title="Transaction">
        <code>{txid}</code> <CopyButton text={txid} what="transaction id" />
      </PageTitle>
      {attempt === undefined ? null : (
        <Section title="Our attempt to pay">
          <p class="lead">{ATTEMPT_TEXT[attempt.status]}</p>
          <Facts
            lines={[
              ["Pays", <Payout payoutKey={attempt.payout} copy />],
              ["To", <Account name={attempt.payee} copy />],
              [
                "The payout is",
                <Status text={attempt.payoutStatus} tone={payoutTone(attempt.payoutStatus)} />,
              ],
              [
                "This attempt is",
                <Status text={attempt.status} tone={attempt.status === "confirmed" ? "good" : undefined} />,
              ],
              ["Signed", <Time ms={attempt.createdAtMs} />],
              ["Expires", <Time ms={attempt.expirationMs} />],
              ["Refers to block", <Block blockNum={attempt.refBlockNum} />],
              ["Network fee", <SharesText amount={attempt.feeShares} />],
              ["Found at", <Operation operation={attempt.operation} explorer />],
              attempt.refusedFor === undefined
                ? undefined
                : ["A node refused it", plainText(attempt.refusedFor)],
              ["Transaction id", <Transaction txid={txid} copy />],
            ]}
          />
        </Section>
      )}
      {topUp === undefined ? null : (
        <Section title="Top-up">
          <p>
            It brings the funds of <Id text={topUp} href={pathTo.topUp(topUp)} />.
          </p>
        </Section>
      )}
      <Section title="On the chain">
        {found.length === 0 ? (
          <Empty>No irreversible block that the ledger has read holds it.</Empty>
        ) : (
          <Table caption="Transfers of the transaction" columns={transferColumns()} lines={found} />
        )}
      </Section>
    </>
  );
};

const ATTEMPT_TEXT = {
  signed: "It is signed and may be on its way. The chain decides.",
  broadcast: "It was sent. It is not in an irreversible block yet.",
  confirmed: "It is in an irreversible block: paid.",
  expired: "It can never be included: a later block than its expiration is irreversible, and none held it.",
} as const;

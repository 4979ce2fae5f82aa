import { type ApiSet, methodNotFound, type Result, resultText } from "./api-set.ts";
import {
  type Json,
  JsonDouble,
  type JsonObject,
  JsonSyntaxError,
  parseJson,
  type Wire,
} from "./json-text.ts";
import { LOGIN_METHODS } from "./method-tables.ts";
import { assertion, at, METHOD_NOT_FOUND, NodeError, PARSE_ERROR } from "./node-error.ts";
import type { Session } from "./session.ts";
import { asString, asUint64 } from "./variant.ts";
import { wireSigned, wireUnsigned } from "./wire-values.ts";

/** The framing of the node's JSON-RPC: from the text of a request to the text of its reply. */

export interface ApiSets {
  readonly database: ApiSet;
  readonly login: ApiSet;
  readonly network_broadcast: ApiSet;
  readonly history: ApiSet;
  readonly orders: ApiSet;
}

export interface Reply {
  readonly text: string;
  /** Code of the error, if it is one: over HTTP it decides the status. */
  readonly errorCode?: number;
}

const INVALID_REQUEST = -32600;
const UNKNOWN_METHOD = -32601;
const INVALID_PARAMS = -32602;
const INTERNAL = -32603;
const NOT_JSON = -32700;

const framingFault = (code: number, message: string, data?: Wire): Reply => ({
  text: JSON.stringify({
    id: null,
    jsonrpc: "2.0",
    error: { code, message, ...(data === undefined ? {} : { data }) },
  }),
  errorCode: code,
});

/** Changes a result on its way out, by the name of its method. */
export type Mutate = (method: string, result: unknown) => unknown;

/** @returns the reply, or `undefined` for what is not answered: notifications, and notices or results from a client. */
export function answer(
  text: string,
  { apis, session, mutate }: { apis: ApiSets; session: Session; mutate: Mutate | null },
): Reply | undefined | Promise<Reply | undefined> {
  let request: Json;
  try {
    request = parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return framingFault(NOT_JSON, "Invalid JSON message", syntaxError(error, text).toWire());
  }
  if (Array.isArray(request)) return framingFault(INVALID_REQUEST, "Batch requests not supported");
  if (request === null || typeof request !== "object" || request instanceof JsonDouble)
    return framingFault(INVALID_REQUEST, "Invalid JSON request");
  const fault = frameFault(request);
  if (fault !== undefined) return fault;
  if (request.method === undefined || request.method === "notice") return undefined;
  return execute(request as JsonObject & { method: string }, { apis, session, mutate });
}

function syntaxError({ unexpected }: JsonSyntaxError, text: string): NodeError {
  const error =
    unexpected === undefined
      ? new NodeError(PARSE_ERROR, at("json.cpp", 219, "objectFromStreamBase"), "Unexpected EOF: ${e}", {
          e: "11 eof_exception: End Of File\nstringstream\n    {}\n    th_a  sstream.cpp:66 readsome",
        })
      : new NodeError(
          PARSE_ERROR,
          at("json.cpp", 453, "variant_from_stream"),
          "Unexpected char '${c}' in \"${s}\"",
          {
            c: unexpected.charCodeAt(0),
            s: text,
          },
        );
  return error.passing(at("json.cpp", 463, "from_string"), { str: text });
}

function frameFault(request: JsonObject): Reply | undefined {
  const { jsonrpc, id, method, params } = request;
  if (jsonrpc !== undefined && jsonrpc !== "2.0")
    return framingFault(INVALID_REQUEST, "Unsupported JSON-RPC version");
  if (typeof id === "object" && id !== null && !(id instanceof JsonDouble))
    return framingFault(INVALID_REQUEST, "Invalid id");
  if (method === undefined) {
    if (request.result !== undefined || request.error !== undefined) return undefined;
    return framingFault(INVALID_REQUEST, "Missing method or result or error");
  }
  if (typeof method !== "string" || method === "")
    return framingFault(INVALID_REQUEST, "Missing or invalid method");
  if (params === undefined || Array.isArray(params)) return undefined;
  return typeof params === "object" && params !== null && !(params instanceof JsonDouble)
    ? framingFault(INVALID_PARAMS, "Named parameters not supported")
    : framingFault(INVALID_REQUEST, "Invalid parameters");
}

/** Ids pass through the node's variants, and come back in the form that its printer gives such a value. */
function idText(id: Json): string {
  if (id instanceof JsonDouble) return JSON.stringify(id.value.toFixed(17));
  if (typeof id === "number" || typeof id === "bigint") {
    const value = BigInt(id);
    return JSON.stringify(value < 0n ? wireSigned(value) : wireUnsigned(value));
  }
  return JSON.stringify(id);
}

function execute(
  request: JsonObject & { method: string },
  { apis, session, mutate }: { apis: ApiSets; session: Session; mutate: Mutate | null },
): Reply | undefined | Promise<Reply | undefined> {
  const { id, jsonrpc } = request;
  const silent = id === undefined || (id === null && jsonrpc === undefined);
  const head = `{"id":${idText(id ?? null)},${jsonrpc === undefined ? "" : '"jsonrpc":"2.0",'}`;
  const succeeded = (method: string, result: Result): Reply | undefined => {
    if (silent) return undefined;
    let body = resultText(result);
    if (mutate !== null) body = JSON.stringify(mutate(method, JSON.parse(body)) ?? null);
    return { text: `${head}"result":${body}}` };
  };
  const failed = (error: unknown): Reply | undefined => {
    if (silent && error instanceof NodeError) return undefined;
    const { code, ...rest } = describe(error);
    return { text: `${head}"error":${JSON.stringify({ code, ...rest })}}`, errorCode: code };
  };
  try {
    const { method, result } = call(request, apis, session);
    if (!(result instanceof Promise)) return succeeded(method, result);
    return result.then((value) => succeeded(method, value), failed);
  } catch (error) {
    return failed(error);
  }
}

function describe(error: unknown): { code: number; message: string; data: Wire } {
  if (!(error instanceof NodeError))
    return { code: INTERNAL, message: "Internal error", data: String(error) };
  if (error.errorClass === METHOD_NOT_FOUND)
    return { code: UNKNOWN_METHOD, message: "Method not found", data: error.toWire() };
  return { code: error.errorClass.code, message: error.describe(), data: error.toWire() };
}

function call(
  request: JsonObject & { method: string },
  apis: ApiSets,
  session: Session,
): { method: string; result: Result | Promise<Result> } {
  const params = (request.params ?? []) as Json[];
  if (request.method !== "call") {
    // The short form: a method of API 0.
    return { method: request.method, result: apis.database.call(request.method, params, session) };
  }
  const [api = null, method = null, args = null] = params;
  if (params.length !== 3 || !Array.isArray(args))
    throw assertion("args.size() == 3 && args[2].is_array()", at("websocket_api.cpp", 18, "operator()"));
  const set = apis[apiName(api, apis, session)];
  const name = asString(method);
  return { method: name, result: set.call(name, args, session) };
}

/** By number, or by name: a name is called as a method of API 1 without arguments, and what that gives is the number. */
function apiName(api: Json, apis: ApiSets, session: Session): keyof ApiSets {
  let id: number;
  if (typeof api === "string") {
    if (!(LOGIN_METHODS as readonly string[]).includes(api)) throw methodNotFound(api, LOGIN_METHODS);
    id = Number(asUint64(apis.login.call(api, [], session) as Json));
  } else id = Number(asUint64(api));
  const name = session.apis[id];
  if (name === undefined)
    throw assertion("_local_apis.size() > api_id", at("api_connection.hpp", 262, "receive_call"));
  return name as keyof ApiSets;
}

/** Status that the node gives a reply over HTTP. */
export function httpStatus(reply: Reply | undefined): number {
  if (reply === undefined) return 204;
  const { errorCode = 0 } = reply;
  if (errorCode === INTERNAL) return 500;
  return errorCode <= INVALID_REQUEST ? 400 : 200;
}

import { type ApiMethod, ApiSet } from "./api-set.ts";
import { LOGIN_METHODS } from "./method-tables.ts";
import { API_LIMITS } from "./node-config.ts";
import { assertion, at } from "./node-error.ts";

const ALLOWED = ["database", "network_broadcast", "history", "orders"] as const;
/** Refused to everybody by a default node, with the line that says so. */
const REFUSED = { block: 257, network_node: 268, crypto: 302, asset: 313, debug: 335 } as const;

/** API 1: hands out the others. Any user and password will do, as on a node without an access file. */
export function loginApi(): ApiSet {
  const handOut = (name: string): ApiMethod => ({ required: 0, run: (_, session) => session.apiId(name) });
  const refuse = (name: string, line: number): ApiMethod => ({
    required: 0,
    run: () => {
      throw assertion("is_allowed", at("api.cpp", line, name), { text: "Access denied" });
    },
  });
  return new ApiSet(LOGIN_METHODS, {
    login: { required: 0, run: (args) => (args.length === 0 ? 1 : true) },
    logout: { required: 0, run: () => false },
    get_info: { required: 0, run: () => "" },
    get_config: { required: 0, run: () => API_LIMITS },
    get_available_api_sets: {
      required: 0,
      run: () => [
        "custom_operations_api",
        "database_api",
        "history_api",
        "network_broadcast_api",
        "orders_api",
      ],
    },
    ...Object.fromEntries(ALLOWED.map((name) => [name, handOut(name)])),
    ...Object.fromEntries(Object.entries(REFUSED).map(([name, line]) => [name, refuse(name, line)])),
    custom_operations: {
      required: 0,
      run: () => {
        throw assertion("plugin_enabled", at("api.cpp", 352, "custom_operations"), {
          text: "The custom_operations plugin is not enabled",
        });
      },
    },
  });
}

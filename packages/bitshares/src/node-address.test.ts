import { describe, expect, it } from "vitest";
import {
  distinctNodes,
  majorityOf,
  nodeDisplayName,
  nodeIdentity,
  withoutSecretsOf,
} from "./node-address.ts";

describe("one node under many spellings", () => {
  it.each([
    [
      "wss://node.example.org/ws",
      "WSS://NODE.example.ORG/ws",
      "wss://node.example.org:443/ws",
      "wss://node.example.org:0443/ws",
      "wss://node.example.org/ws/",
      "wss://node.example.org/a/../ws",
      "wss://node.example.org/%2e/ws",
      "wss://node.example.org./ws",
      "wss://user:pass-word@node.example.org/ws",
      "wss://node.example.org/ws?key=2",
      "wss://node.example.org/another-key",
      "wss://node.example.org/ws#here",
      "wss://nod%65.example.org/ws",
      "wss://ｎｏｄｅ.example.org/ws",
      "wss://node。example。org",
      "ws://node.example.org",
      "wss:node.example.org/ws",
      " wss://node.example.org\t",
    ],
    ["wss://bücher.example", "wss://xn--bcher-kva.example", "wss://BÜCHER.example:443"],
    [
      "ws://192.0.2.1:8090",
      "ws://192.0.2.1.:8090",
      "ws://0xc0.0.2.1:8090",
      "ws://3221225985:8090",
      "ws://[::ffff:192.0.2.1]:8090",
    ],
    [
      "ws://[2001:db8::1]:8090",
      "ws://[2001:DB8:0:0::1]:8090",
      "ws://[2001:0db8:0000:0000:0000:0000:0000:0001]:8090/ws",
    ],
    [
      "ws://127.0.0.1:8090",
      "ws://localhost:8090",
      "ws://LOCALHOST.:8090",
      "ws://[::1]:8090",
      "ws://127.1:8090",
      "ws://[::ffff:127.0.0.1]:8090",
      "ws://0.0.0.0:8090",
      "ws://127.0.0.2:8090",
    ],
  ])("counts once: %s", (...spellings) => {
    for (const spelling of spellings)
      expect(nodeIdentity(spelling), spelling).toBe(nodeIdentity(spellings[0] as string));
    expect(distinctNodes(spellings)).toEqual([spellings[0]]);
    expect(majorityOf(spellings)).toBe(1);
  });

  it("leaves different ones apart", () => {
    const nodes = [
      "wss://a.example",
      "wss://b.example",
      "wss://a.example:8090",
      "ws://127.0.0.1:8090",
      "ws://127.0.0.1:8091",
      "ws://[2001:db8::1]",
      "ws://192.0.2.1",
    ];
    expect(distinctNodes(nodes)).toEqual(nodes);
    expect(majorityOf(nodes)).toBe(4);
    expect([1, 2, 3, 4, 5].map((n) => majorityOf(nodes.slice(0, n)))).toEqual([1, 2, 2, 3, 3]);
  });
});

describe("what a node says", () => {
  it("is repeated without the key that is in its address", () => {
    const hide = withoutSecretsOf("wss://user-1:pass%20word@node.example/key-one/ws?token=key-two&x=1");
    expect(hide("no quota for key-one, key-two of user-1 (pass word, pass%20word) at node.example/ws")).toBe(
      "no quota for (hidden), (hidden) of (hidden) ((hidden), (hidden)) at node.example/ws",
    );
    expect(hide("?token=key-two&x=1")).toBe("?(hidden)");
    expect(withoutSecretsOf("no address")("no address")).toBe("no address");
  });
});

describe("the name of a node", () => {
  it.each([
    ["wss://user:secret@node.example.org/secret?key=secret#secret", "wss://node.example.org"],
    ["ws://secret@127.0.0.1:8090/", "ws://127.0.0.1:8090"],
    ["secret:/not a URL@", "an address that is not a URL"],
  ])("of %s is %s", (url, name) => {
    expect(nodeDisplayName(url)).toBe(name);
  });
});

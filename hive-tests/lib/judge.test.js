// The judge itself: what must fail fails.

import assert from "node:assert/strict";
import test from "node:test";
import { judge, parseRecording } from "./judge.js";

const answer = (rest) => JSON.stringify({ jsonrpc: "2.0", id: 1, ...rest });

test("a recording is a mode and rounds", () => {
    const text = '// about\n// speconly: only the schema\n>> {"id":1}\n<< {"id":1,"result":1}\n>> {"id":2}\n<< {"id":2}\n';
    const recording = parseRecording(text);
    assert.equal(recording.speconly, true);
    assert.deepEqual(recording.rounds.map((round) => round.request), ['{"id":1}', '{"id":2}']);
    assert.equal(parseRecording(text.replace("speconly", "not")).speconly, false);
    assert.throws(() => parseRecording("// nothing\n"));
    assert.throws(() => parseRecording(`${text}stray\n`));
});

test("answers are compared whole", () => {
    const recorded = answer({ result: { a: "0x1", list: [1, { b: null }] } });
    const same = '{"result":{"list":[1.0,{"b":null}],"a":"0x1"},"id":1,"jsonrpc":"2.0"}';
    assert.equal(judge(recorded, same), null);
    for (const other of [
        { a: "0x1", list: [1, { b: null }], c: null },
        { a: "0x1", list: [1, {}] },
        { a: "0X1", list: [1, { b: null }] },
        { a: "0x1", list: [{ b: null }, 1] },
        { a: "0x1", list: [1] },
        { a: 1, list: [1, { b: null }] },
        { a: "0x1", list: { 0: 1, 1: { b: null } } },
        null,
    ]) {
        assert.notEqual(judge(recorded, answer({ result: other })), null, JSON.stringify(other));
    }
    assert.notEqual(judge(recorded, same.replace('"id":1', '"id":2')), null);
    assert.notEqual(judge(recorded, "<html>"), null);
    assert.notEqual(judge(null, recorded), null);
});

test("messages of errors are free, their codes and data are not", () => {
    const recorded = answer({ error: { code: 3, message: "reverted", data: "0x" } });
    assert.equal(judge(recorded, answer({ error: { code: 3, message: "other", data: "0x" } })), null);
    assert.notEqual(judge(recorded, answer({ error: { code: 3, data: "0x" } })), null);
    assert.notEqual(judge(recorded, answer({ error: { code: 3, message: "reverted" } })), null);
    assert.notEqual(judge(recorded, answer({ error: { code: 4, message: "reverted", data: "0x" } })), null);
    assert.notEqual(judge(recorded, answer({ result: null })), null);
    const inner = (message) => answer({ result: [{ calls: [{ error: { code: 3, message } }] }] });
    assert.equal(judge(inner("a"), inner("b")), null);
    const elsewhere = (message) => answer({ result: { message } });
    assert.notEqual(judge(elsewhere("a"), elsewhere("b")), null);
});

test("with a schema the recorded result does not count", () => {
    const schema = {
        type: "object",
        required: ["a"],
        properties: { a: { type: "string", pattern: "^0x[0-9a-f]+$" }, b: { oneOf: [{ type: "null" }, { enum: [1, 2] }] } },
        additionalProperties: false,
    };
    const recorded = answer({ result: { a: "0x1" } });
    for (const result of [{ a: "0xff" }, { a: "0x1", b: null }, { a: "0x1", b: 2 }]) {
        assert.equal(judge(recorded, answer({ result }), schema), null);
    }
    for (const result of [{ a: "ff" }, { b: null }, { a: "0x1", b: 3 }, { a: "0x1", c: 1 }, "0x1", null]) {
        assert.notEqual(judge(recorded, answer({ result }), schema), null, JSON.stringify(result));
    }
    // An error is compared, and no schema means that nothing is valid.
    assert.notEqual(judge(recorded, answer({ error: { code: 1, message: "" } }), schema), null);
    assert.notEqual(judge(recorded, recorded, false), null);
    assert.throws(() => judge(recorded, recorded, { not: {} }), /not known/);
});

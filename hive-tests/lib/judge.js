// Recorded round trips of execution-apis, and how an answer is judged: by the rules of hive's
// rpc-compat simulator.

import { problem } from "./schema.js";

/** Reads an .io file: `{ speconly, rounds: [{ request, answer }] }`, both as text. */
export function parseRecording(text) {
    const recording = { speconly: false, rounds: [] };
    for (const line of text.split("\n")) {
        const content = line.slice(2).trim();
        if (line.startsWith("//")) recording.speconly ||= content.startsWith("speconly:");
        else if (line.startsWith(">>")) recording.rounds.push({ request: content, answer: null });
        else if (line.startsWith("<<")) recording.rounds.at(-1).answer = content;
        else if (line.trim()) throw new Error(`unknown line: ${line.slice(0, 60)}`);
    }
    if (!recording.rounds.length) throw new Error("no request");
    return recording;
}

/**
 * What is wrong with an answer, or null. With `resultSchema` (speconly) an answer without an error
 * is held against it and not against the recording.
 */
export function judge(recorded, answered, resultSchema) {
    let have;
    try {
        have = JSON.parse(answered);
    } catch {
        return `not JSON: ${answered.slice(0, 100)}`;
    }
    if (recorded === null) return "an answer that the recording does not have";
    if (resultSchema !== undefined && !Object.hasOwn(have, "error")) return problem(resultSchema, have.result);
    return difference(JSON.parse(recorded), have, "answer");
}

const isObject = (value) => typeof value === "object" && value !== null;

/** The first difference between two JSON values; messages of errors are free. */
function difference(want, have, path, inError = false) {
    if (!isObject(want) || !isObject(have)) return want === have ? null : `${path}: want ${show(want)}, have ${show(have)}`;
    if (Array.isArray(want) !== Array.isArray(have)) return `${path}: want ${show(want)}, have ${show(have)}`;
    if (Array.isArray(want) && want.length !== have.length) return `${path}: want ${want.length} items, have ${have.length}`;
    for (const name of new Set([...Object.keys(want), ...Object.keys(have)])) {
        const at = Array.isArray(want) ? `${path}[${name}]` : `${path}.${name}`;
        if (!Object.hasOwn(have, name)) return `${at}: missing, want ${show(want[name])}`;
        if (!Object.hasOwn(want, name)) return `${at}: additional, ${show(have[name])}`;
        if (name === "message" && inError) continue;
        const found = difference(want[name], have[name], at, name === "error");
        if (found) return found;
    }
    return null;
}

function show(value) {
    const text = JSON.stringify(value);
    return text.length > 120 ? `${text.slice(0, 120)}… (${text.length} characters)` : text;
}

// Stands in for the services of Google Apps Script, as far as
// deploy/google-forms.gs uses them, and runs one of its functions. Reads a
// scenario in JSON from standard input, and writes what happened.
'use strict';
const { createHmac } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { MessageChannel, Worker, receiveMessageOnPort } = require('node:worker_threads');
const vm = require('node:vm');

const scenario = JSON.parse(readFileSync(0, 'utf8'));
const happened = { sleeps: [], triggers: scenario.triggers || [], properties: scenario.properties, errors: [], thrown: '' };

// UrlFetchApp waits for the answer, which in Node takes another thread.
const { port1, port2 } = new MessageChannel();
const answered = new Int32Array(new SharedArrayBuffer(4));
const fetcher = new Worker(`
  const { parentPort, workerData: { port, answered } } = require('node:worker_threads');
  parentPort.on('message', async ([url, o]) => {
    let answer = null;
    try {
      const r = await fetch(url, { method: o.method, body: o.payload, redirect: o.followRedirects ? 'follow' : 'manual',
        headers: { ...o.headers, 'Content-Type': o.contentType } });
      answer = { status: r.status, headers: Object.fromEntries(r.headers), text: await r.text() };
    } catch {}
    port.postMessage(answer);
    Atomics.store(answered, 0, 1);
    Atomics.notify(answered, 0);
  });`, { eval: true, workerData: { port: port2, answered }, transferList: [port2] });
fetcher.unref();

function fetchNow(url, options) {
  fetcher.postMessage([url, { ...options, method: options.method.toUpperCase() }]);
  Atomics.wait(answered, 0, 0);
  Atomics.store(answered, 0, 0);
  const answer = receiveMessageOnPort(port1).message;
  if (!answer) throw new Error('Address unavailable: ' + url);
  if (answer.status >= 400 && !options.muteHttpExceptions) throw new Error('Request failed returned code ' + answer.status);
  return {
    getResponseCode: () => answer.status,
    getContentText: () => answer.text,
    getHeaders: () => answer.headers,
  };
}

// Without a charset Apps Script takes texts for US-ASCII.
function bytesOf(text, charset) {
  return Buffer.from(charset === 'UTF_8' ? text : text.replace(/[^\x00-\x7f]/g, '?'), 'utf8');
}

const item = (i) => ({
  getId: () => i.id,
  getTitle: () => i.title,
  getType: () => i.type,
  asGridItem: () => ({ getRows: () => i.rows }),
  asCheckboxGridItem: () => ({ getRows: () => i.rows }),
});

const response = (r) => ({
  getId: () => r.id,
  getTimestamp: () => new Date(r.at),
  getRespondentEmail: () => r.email,
  getItemResponses: () => r.items.map((i) => ({ getItem: () => item(i), getResponse: () => i.response })),
});

const form = {
  getTitle: () => scenario.title,
  getResponse: (id) => (id === scenario.response.id ? response(scenario.response) : null),
};

const trigger = (handler) => {
  const builder = { create: () => happened.triggers.push(handler) };
  for (const name of ['forForm', 'onFormSubmit', 'timeBased', 'everyHours']) builder[name] = () => builder;
  return builder;
};

const context = vm.createContext({
  console: { error: (text) => happened.errors.push(text) },
  FormApp: { getActiveForm: () => form, ItemType: { GRID: 'GRID', CHECKBOX_GRID: 'CHECKBOX_GRID', FILE_UPLOAD: 'FILE_UPLOAD' } },
  PropertiesService: {
    getScriptProperties: () => ({
      getProperty: (name) => happened.properties[name] ?? null,
      setProperty: (name, value) => { happened.properties[name] = value; },
      deleteProperty: (name) => { delete happened.properties[name]; },
      getKeys: () => Object.keys(happened.properties),
    }),
  },
  ScriptApp: {
    getProjectTriggers: () => happened.triggers.map((handler) => ({ getHandlerFunction: () => handler })),
    newTrigger: trigger,
  },
  UrlFetchApp: { fetch: fetchNow },
  Utilities: {
    Charset: { UTF_8: 'UTF_8' },
    computeHmacSha256Signature: (text, key, charset) =>
      [...new Int8Array(createHmac('sha256', bytesOf(key, charset)).update(bytesOf(text, charset)).digest())],
    sleep: (ms) => happened.sleeps.push(ms / 1000),
  },
});

try {
  vm.runInContext(scenario.script, context, { filename: 'google-forms.gs' });
  context[scenario.call]({ response: response(scenario.response), source: form });
} catch (error) {
  happened.thrown = error.message;
}
console.log(JSON.stringify(happened));

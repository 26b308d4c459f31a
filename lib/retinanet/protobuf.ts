// Messages of protocol buffers, from tables of their fields.

/** Messages by name, of fields by name: type and number. */
export type Messages = Record<
  string,
  Record<string, [type: string, number: number] | [type: string, number: number, rule: 'repeated']>
>;

/** What makes the bytes of a message of that name. As with proto2, a field that is given is written, zero or not. */
export async function messageEncoder(messages: Messages, name: string): Promise<(message: object) => Uint8Array> {
  const { default: protobuf } = await import('protobufjs/light.js');
  const nested = Object.entries(messages).map(([message, fields]) => {
    const described = Object.entries(fields).map(([field, [type, id, rule]]) => [field, { type, id, rule }]);
    return [message, { edition: 'proto2', fields: Object.fromEntries(described) as object }];
  });
  const root = protobuf.Root.fromJSON({ nested: Object.fromEntries(nested) as object } as never);
  const type = root.lookupType(name);
  return (message) => type.encode(message).finish();
}

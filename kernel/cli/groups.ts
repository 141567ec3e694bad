import { find } from '../catalogue.ts';
import { groups as groupsOf, type Group } from '../graph/groups.ts';
import { json } from '../text/json.ts';
import { table } from '../text/table.ts';
import { usage } from '../text/usage.ts';
import type { Describe } from './command.ts';
import { type Given } from './flags.ts';
import { example } from './help.ts';
import { addGraphFlags, graphFrom } from './graph-source.ts';

export const groups: Describe = async (command, { io, catalogue }) => {
  const known = await catalogue();
  command.option('--group <id>', 'show the members of one group');
  addGraphFlags(command, known);
  example(
    command,
    'pruningbench groups --model resnet18 --classes 10',
    'pruningbench groups --model resnet18 --classes 10 --group layer1.0.conv1',
  );
  command.action(async (given: Given) => {
    const { graph } = await graphFrom(known, given);
    const all = groupsOf(graph);
    const wanted = given['group'] as string | undefined;
    const named = all.map(group => ({ kind: 'group' as const, ...group }));
    const list = wanted === undefined ? all : [usage(() => find('group', named, wanted))];
    if (given['json']) return io.out(json(list.map(groupJson)));
    io.out(wanted === undefined ? listText(list) : groupText(list[0]!));
  });
};

const groupJson = ({ id, units, protected: reason, members }: Group) => ({
  id,
  units,
  ...(reason === undefined ? {} : { protected: reason }),
  members: members.map(({ parameter, axis, role }) => ({ parameter, axis, role })),
});

const listText = (list: readonly Group[]): string =>
  table(
    ['group', 'units', 'members', 'protected'],
    list.map(group => [group.id, String(group.units), String(group.members.length), group.protected ?? '']),
  );

function groupText({ id, units, protected: reason, members }: Group): string {
  const rows = members.map(member => {
    const own = member.units.filter(unit => unit >= 0).length;
    return [member.parameter, String(member.axis), member.role, member.op, String(own), String(member.units.length)];
  });
  return [
    `group ${id}: ${units} units\n`,
    ...(reason === undefined ? [] : [`protected: ${reason}\n`]),
    '\n',
    table(['parameter', 'axis', 'role', 'op', 'indices', 'of'], rows),
  ].join('');
}

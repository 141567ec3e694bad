import assert from 'node:assert/strict';
import { line } from './run.ts';

interface Shown {
  id: string;
  units: number;
  protected?: string;
  members: { parameter: string; axis: number; role: string }[];
}

describe('groups', () => {
  const model = 'groups --model resnet18 --width 0.25 --classes 7';

  it('of ResNet-18 as JSON', async () => {
    const { out, err, code } = await line(`${model} --json`);
    assert.deepEqual([code, err], [0, '']);
    const groups = JSON.parse(out) as Shown[];
    const units = Object.fromEntries(groups.map(group => [group.id, group.units]));
    assert.equal(groups.length, 14);
    assert.deepEqual([units['conv1.input'], units['conv1'], units['layer4.0.conv1'], units['fc']], [3, 16, 128, 7]);
    assert.deepEqual(
      groups.filter(group => group.protected).map(group => [group.id, group.protected]),
      [
        ['conv1.input', 'input image of the network'],
        ['fc', 'output fc of the network'],
      ],
    );
    const inner = groups.find(group => group.id === 'layer1.0.conv1')!;
    assert.deepEqual(Object.keys(inner), ['id', 'units', 'members']);
    assert.deepEqual(inner.members[0], { parameter: 'layer1.0.conv1.kernel', axis: 3, role: 'out' });
    assert.deepEqual(inner.members.at(-1), { parameter: 'layer1.0.conv2.kernel', axis: 2, role: 'in' });
  });

  it('in columns', async () => {
    const { out } = await line(model);
    assert.match(out, /^fc +7 +2 +output fc of the network$/m);
    assert.match(out, /^layer1.0.conv1 +16 +6$/m);
  });

  it('one with its members', async () => {
    const { out } = await line(`${model} --group layer1.0.conv1`);
    assert.match(out, /^group layer1.0.conv1: 16 units\n/);
    assert.match(out, /^layer1.0.conv2.kernel +2 +in +conv +16 +16$/m);
    const { out: json } = await line(`${model} --group layer1.0.conv1 --json`);
    assert.deepEqual(
      (JSON.parse(json) as Shown[]).map(group => group.id),
      ['layer1.0.conv1'],
    );
  });
});

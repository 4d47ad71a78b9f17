import type { Story } from './story.ts';

/** The story that Firebreak is made for. */
export const badDeploy: Story = {
  name: 'bad-deploy',
  title: 'A bad deploy',
  about: 'a deploy breaks checkout: Firebreak pages, rolls it back, sees that it helped, and tells everybody',
  services: {
    checkout: { version: 'v41', team: 'payments', component: 'Checkout', needs: [] },
  },
  async play(stage) {
    await stage.pass(2);
    await stage.deploy('checkout', 'v42', { failing: 0.3 });
    const incident = await stage.until('checkout to be resolved', async () => {
      const [first] = await stage.incidents();
      return first?.status === 'resolved' && first;
    });
    return [{ text: 'x', holds: incident !== undefined }];
  },
};

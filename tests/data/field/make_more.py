"""More files of the kinds in this directory, made of those by h5py: other mixtures of slashes and backslashes, and a `.h5` with
NaN in its configuration. Run it in its own directory."""
import io, json, zipfile, h5py, numpy as np

def weights(path):
    with zipfile.ZipFile(path) as archive:
        return h5py.File(io.BytesIO(archive.read('model.weights.h5')), 'r')

def arrays(file):
    """The paths of all arrays in their order, and the arrays."""
    all = []
    file.visititems(lambda name, item: all.append((name, item[()])) if isinstance(item, h5py.Dataset) else None)
    return all

def write(path, all):
    with h5py.File(path, 'w') as file:
        for name, array in all:
            file.create_dataset(name, data=array)

def windows(name):
    """All of the path before `vars` is one name."""
    before, after = name.split('/vars/')
    return before.replace('/', '\\') + '/vars/' + after

linux = arrays(weights('windows_keras/linux.keras'))
# Every second slash is a backslash.
def mixed(name):
    parts = name.split('/')
    return ''.join(part + ('\\' if i % 2 else '/') for i, part in enumerate(parts[:-1])) + parts[-1]
write('windows_keras/mixed.weights.h5', [(mixed(name), array) for name, array in linux])
# The fuzzer reads weights with it.
with zipfile.ZipFile('windows_keras/windows.keras') as archive:
    open('windows_keras/config.json', 'wb').write(archive.read('config.json'))
# Not only the groups: the path of an array is one name.
write('windows_keras/whole.weights.h5', [(name.replace('/', '\\'), array) for name, array in linux])
# One layer in both spellings: other numbers where there are backslashes.
write('windows_keras/both.weights.h5', linux + [(windows(name), array + 1) for name, array in linux if 'dense/vars' in name and 'time' not in name])
# A name with a backslash beside the path that it could be.
write('windows_keras/names.weights.h5', [
    ('layers/a/b/vars/0', np.full((2, 3), 1, 'float32')), ('layers/a/b/vars/1', np.full(3, 1, 'float32')),
    ('layers/a\\b/vars/0', np.full((2, 3), 2, 'float32')), ('layers/a\\b/vars/1', np.full(3, 2, 'float32')),
])
# Keras 2.12 and 2.14 had another name for `layers`.
for version in ('2.12', '2.14'):
    with h5py.File(f'../keras_files/models/v{version}_tree.weights.h5') as file:
        write(f'windows_keras/v{version}_tree.weights.h5', [(windows(name), array) for name, array in arrays(file)])

# The same model as `json_nan/model.keras`, as `model.save('model.h5')` writes it.
def bare(value):
    """A configuration as it is in a `.h5`: without modules."""
    if isinstance(value, dict):
        return {key: bare(item) for key, item in value.items() if key not in ('module', 'registered_name', 'build_config')}
    return [bare(item) for item in value] if isinstance(value, list) else value
with zipfile.ZipFile('json_nan/model.keras') as archive:
    config = bare(json.loads(archive.read('config.json')))
lstm = [array for _, array in arrays(weights('json_nan/model.keras'))]
with h5py.File('json_nan/model.h5', 'w') as file:
    file.attrs['keras_version'], file.attrs['backend'] = '3.15.1', 'tensorflow'
    file.attrs['model_config'] = json.dumps(config)
    group = file.create_group('model_weights')
    names = [layer['config']['name'] for layer in config['config']['layers']]
    group.attrs['layer_names'] = names
    for name in names:
        here = group.create_group(name)
        of = ['lstm/lstm_cell/kernel', 'lstm/lstm_cell/recurrent_kernel', 'lstm/lstm_cell/bias'] if name == 'lstm' else []
        here.attrs['weight_names'] = of
        for array, values in zip(of, lstm):
            here.create_dataset(array, data=values)

# Lists with names as Keras 2 and 3 give them, where one name is that of several layers. Each array is full of the number of its layer.
def lists(path, layers):
    with h5py.File(path, 'w') as file:
        file.attrs['layer_names'], file.attrs['keras_version'] = list(layers), '2.21.0'
        for layer, homes in layers.items():
            here = file.create_group(layer)
            names = [f'{home}/{array}:0' for home in homes for array in ('kernel', 'recurrent_kernel', 'bias')]
            here.attrs['weight_names'] = names
            for i, home in enumerate(homes):
                for array, shape in (('kernel', (2, 4)), ('recurrent_kernel', (1, 4)), ('bias', (4,))):
                    here.create_dataset(f'{home}/{array}:0', data=np.full(shape, i, 'float32'))
lists('same_inner_names/lists.h5', {
    'sequential': ['a/lstm/lstm_cell', 'b/lstm/lstm_cell'],
    'wrapper': ['bidirectional/forward_lstm/lstm_cell', 'bidirectional/backward_lstm/lstm_cell',
                'bidirectional_1/forward_lstm/lstm_cell', 'bidirectional_1/backward_lstm/lstm_cell'],
    'cells': ['cells/lstm_cell', 'cells/lstm_cell_1'],
    'apart': ['apart/x/lstm/lstm_cell', 'apart/y/gru/lstm_cell'],
    'plain': ['plain/lstm_cell'],
})
# A tree of an own layer with weights of its own and a cell.
write('same_inner_names/tree.weights.h5', [(f'layers/{group}/vars/{i}', np.full(shape, value, 'float32'))
    for value, group in enumerate(('own', 'own/cell', 'own/a/lstm/cell', 'own/b/lstm/cell'))
    for i, shape in enumerate(((2, 4), (1, 4), (4,)))])
